import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NetworkError } from './network-error.js';
import { runProgram } from './run-program.js';

const PROGRAM = { name: 'weft-spec-program', code: 'ip_missing', debianPackage: 'the-package' } as const;

describe('a program of the system', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'weft-program-'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });

  function place(folder: string, script: string, mode = 0o755): void {
    mkdirSync(path.join(directory, folder), { recursive: true });
    const file = path.join(directory, folder, PROGRAM.name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, mode);
  }

  function search(...folders: readonly string[]): void {
    vi.stubEnv('PATH', [...folders.map((folder) => path.join(directory, folder)), '/usr/bin', '/bin'].join(':'));
  }

  it('is the first in the PATH, and speaks the language that its messages are read in', async () => {
    place('one', 'cat; echo "$1 $LC_ALL"; echo complaint >&2; exit 4');
    place('two', 'exit 5');
    search('none', 'one', 'two');
    expect(await runProgram(PROGRAM, ['argument'], 'input\n')).toEqual({
      code: 4,
      output: 'input\nargument C\n',
      errors: 'complaint\n',
    });
  });

  it('that was killed says so', async () => {
    place('one', 'echo complaint >&2; kill -9 $$');
    search('one');
    const { code, errors } = await runProgram(PROGRAM, [], '');
    expect([code, errors]).toEqual([null, 'complaint\nit was killed by signal 9']);
  });

  it('that is nowhere is to be installed', async () => {
    search('none');
    const error = await runProgram(PROGRAM, [], '').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NetworkError);
    expect(error).toMatchObject({ code: 'ip_missing', fix: expect.stringContaining('install the-package') });
  });

  it('that the kernel does not take says why', async () => {
    place('one', '');
    writeFileSync(path.join(directory, 'one', PROGRAM.name), 'no program');
    search('one');
    const error = await runProgram(PROGRAM, [], '').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ip_missing', message: expect.stringContaining('ENOEXEC') });
  });
});
