import { expect, it } from 'vitest';
import { parseBackupCommand } from './command.js';

it.each([
  [['--backup', 'f'], { kind: 'backup', file: 'f', key: undefined }],
  [['--backup', 'f', '--key', 'k'], { kind: 'backup', file: 'f', key: 'k' }],
  [['--restore', 'f'], { kind: 'restore', file: 'f', key: undefined, replace: false }],
  [['--restore', 'f', '--replace', '--key', 'k'], { kind: 'restore', file: 'f', key: 'k', replace: true }],
])('%j is understood', (args, command) => {
  expect(parseBackupCommand(args)).toEqual(command);
});

it.each([
  [['--backup']],
  [['--backup', '']],
  [['--backup', 'f', '--replace']],
  [['--backup', 'f', '--restore', 'f']],
  [['--restore', 'f', 'more']],
  [['--restore', 'f', '--force']],
  [['--key', 'k']],
])('%j is not', (args) => {
  expect(parseBackupCommand(args)).toBeUndefined();
});
