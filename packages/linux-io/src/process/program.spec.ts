import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SystemCallError } from '../ffi/errno.js';
import { type ProgramRun, runToEnd } from './program.js';

function shell(script: string, others: Partial<ProgramRun> = {}) {
  return runToEnd({
    executable: '/bin/sh',
    args: ['-c', script],
    environment: { PATH: '/usr/bin:/bin' },
    input: '',
    patience: 60_000,
    ...others,
  });
}

describe('a program that is run to its end', () => {
  it('ends with its exit code, and what it said is told from its complaints', async () => {
    expect(await shell('echo said; echo größer >&2; exit 3')).toEqual({
      end: { kind: 'exited', code: 3 },
      output: 'said\n',
      errors: 'größer\n',
    });
  });

  it('reads its input from the beginning to the end, and may say more than any pipe holds', async () => {
    const input = Array.from({ length: 200_000 }, (_, line) => `line ${line}\n`).join('');
    const { end, output } = await shell('cat; cat >&2', { input });
    expect(end).toEqual({ kind: 'exited', code: 0 });
    expect(output === input).toBe(true);
  });

  it('has the arguments and the environment that it was given, and no others', async () => {
    const environment = { PATH: '/usr/bin:/bin', MARK: 'a b', NOTHING: undefined };
    const args = ['-c', 'env -u PWD -u _ -u SHLVL -u OLDPWD; echo "$1 $#"', 'name', 'one two'];
    const { output } = await shell('', { args, environment });
    expect(output.trim().split('\n').sort()).toEqual(['MARK=a b', 'PATH=/usr/bin:/bin', 'one two 1'].sort());
  });

  it('has the descriptors that a program of Node has, and is stopped by a broken pipe', async () => {
    const listed = 'ls /proc/self/fd; grep SigIgn /proc/self/status';
    const byNode = execFileSync('/bin/sh', ['-c', listed]).toString();
    const kept = openSync('/dev/null', 'r');
    const { output } = await shell(listed);
    closeSync(kept);
    expect(output).toBe(byNode);
    expect(output).toMatch(/SigIgn:\t0+\n$/);
  });

  it('is told from others that run at the same time', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, number) => shell(`echo ${number}; exit ${number}`)),
    );
    expect(outcomes.map(({ output, end }) => [output, end])).toEqual(
      outcomes.map((_, code) => [`${code}\n`, { kind: 'exited', code }]),
    );
  });

  it('is told to have been killed, by which signal', async () => {
    expect((await shell('kill -TERM $$')).end).toEqual({ kind: 'killed', signal: 15 });
  });

  it('is killed when its time is over, and what it said until then is told', async () => {
    const { end, output } = await shell('echo begun; exec sleep 600', { patience: 500 });
    expect([end, output]).toEqual([{ kind: 'killed', signal: 9 }, 'begun\n']);
  });

  it.each([
    ['/no/such/program', 'ENOENT'],
    ['/etc', 'EACCES'],
  ])('is not there as %s: %s, and nothing stays open', async (executable, code) => {
    const before = readdirSync('/proc/self/fd').length;
    const error = await shell('', { executable }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SystemCallError);
    expect(error).toMatchObject({ call: 'posix_spawn', code });
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});
