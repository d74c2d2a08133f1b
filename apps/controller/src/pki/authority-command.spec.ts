import { describe, expect, it } from 'vitest';
import { type AuthorityCommand, parseAuthorityCommand } from './authority-command.js';

describe('what is done with keys that are elsewhere', () => {
  it.each<[string, AuthorityCommand | undefined]>([
    ['--export-root-key a --passphrase b', { kind: 'export', file: 'a', passphrase: 'b' }],
    ['--restore-root-key a --passphrase b', { kind: 'restore', file: 'a', passphrase: 'b' }],
    ['--certificate-authority-request a', { kind: 'request', file: 'a' }],
    ['--certificate-authority-import a', { kind: 'import', file: 'a' }],
    [
      '--certificate-authority-sign a --root-key b --passphrase c --out d',
      { kind: 'sign', file: 'a', rootKey: 'b', passphrase: 'c', out: 'd' },
    ],
    ['--export-root-key a', undefined],
    ['--certificate-authority-import a --passphrase b', undefined],
    ['--certificate-authority-sign a --root-key b --passphrase c', undefined],
    ['--certificate-authority-request a --certificate-authority-import b', undefined],
    ['--certificate-authority-request', undefined],
    ['--certificate-authority-import a b', undefined],
    ['--passphrase a', undefined],
    ['--backup a', undefined],
    ['', undefined],
  ])('is asked for with %j', (line, command) => {
    expect(parseAuthorityCommand(line.split(' ').filter(Boolean))).toEqual(command);
  });
});
