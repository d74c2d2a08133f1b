import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyNotInstalled } from './npm-packages.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'weft-setup-spec-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A lock file as npm writes them: the root, a workspace, a link to it, two packages and one for another platform. */
const LOCK = {
  '': { name: 'weft', version: '1.0.0' },
  'packages/core': { name: '@weft/core', version: '1.0.0' },
  'node_modules/@weft/core': { resolved: 'packages/core', link: true },
  'node_modules/a': { version: '1.2.3' },
  'packages/core/node_modules/a': { version: '2.0.0' },
  'node_modules/a-win32': { version: '1.2.3', optional: true },
  'node_modules/b-darwin': { version: '1.2.3', devOptional: true },
};
type Packages = Record<string, object>;

function given(wanted: Packages | string | undefined, installed: Packages | string | undefined): string | undefined {
  write('package-lock.json', wanted);
  write('node_modules/.package-lock.json', installed);
  return whyNotInstalled(root);
}

function write(name: string, content: Packages | string | undefined): void {
  const file = path.join(root, name);
  rmSync(file, { force: true });
  if (content === undefined) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify({ packages: content }));
}

const { 'node_modules/a-win32': _1, 'node_modules/b-darwin': _2, '': _3, ...INSTALLED } = LOCK;

describe('whether the npm packages are installed', () => {
  it('is so when node_modules is what the lock file describes, save for other platforms', () => {
    expect(given(LOCK, INSTALLED)).toBeUndefined();
  });

  it.each<[string, Packages | string | undefined, Packages | string | undefined, string]>([
    ['no lock file', undefined, INSTALLED, 'package-lock.json cannot be read'],
    ['nothing installed', LOCK, undefined, 'node_modules is missing or was not finished'],
    ['an installation that was cut short', LOCK, '{"packages": {', 'node_modules is missing or was not finished'],
    [
      'a package that came later',
      { ...LOCK, 'node_modules/c': { version: '1.0.0' } },
      INSTALLED,
      'node_modules/c is not installed',
    ],
    ['another version', { ...LOCK, 'node_modules/a': { version: '1.2.4' } }, INSTALLED, 'node_modules/a is not 1.2.4'],
    [
      'another version below a workspace',
      { ...LOCK, 'packages/core/node_modules/a': { version: '2.0.1' } },
      INSTALLED,
      'packages/core/node_modules/a is not 2.0.1',
    ],
    [
      'an optional package of another version',
      LOCK,
      { ...INSTALLED, 'node_modules/a-win32': { version: '1.2.2' } },
      'node_modules/a-win32 is not 1.2.3',
    ],
  ])('is not so with %s', (_, wanted, installed, reason) => {
    expect(given(wanted, installed)).toBe(reason);
  });
});
