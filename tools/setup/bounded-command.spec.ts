import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const MODULE = JSON.stringify(new URL('./bounded-command.mjs', import.meta.url).href);

/** What becomes of a program that runs `script` bounded; `heard` is called with what it has written so far. */
async function run(script: string, milliseconds: number, heard: (out: string, pid: number) => void = () => undefined) {
  const outer =
    `import { runBounded } from ${MODULE};` +
    `const result = await runBounded([process.execPath, '-e', ${JSON.stringify(script)}], ` +
    `{ cwd: '/', env: process.env, milliseconds: ${milliseconds} });` +
    'console.log(JSON.stringify(result));';
  const child = spawn(process.execPath, ['--input-type=module', '-e', outer], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
    heard(out, child.pid ?? 0);
  });
  await once(child, 'close');
  return JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as {
    code: number;
    overran: boolean;
    heard?: string;
    lastLine: string;
  };
}

const LONG = 600_000;

describe('a command that is bounded', () => {
  it('gives its exit code and its last line when it ends in time', async () => {
    const script = `console.log('first'); console.log('last'); process.exitCode = 3;`;
    expect(await run(script, LONG)).toEqual({ code: 3, overran: false, lastLine: 'last' });
  });

  it('is ended with what it has started when it does not', async () => {
    const forever = 'setInterval(() => undefined, 1000)';
    const script = `
      const { pid } = require('node:child_process').spawn(process.execPath, ['-e', '${forever}']);
      console.log(pid); ${forever};`;
    const { overran, lastLine } = await run(script, 1500);
    expect(overran).toBe(true);
    expect(Number(lastLine)).toBeGreaterThan(0);
    await expect.poll(() => isAlive(Number(lastLine))).toBe(false);
  });

  it('does not wait for one that it has left behind, which holds its output', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const { pid } = spawn('sleep', ['600'], { stdio: ['ignore', 'inherit', 'ignore'], detached: true });
      console.log(pid); process.exit(0);`;
    const { overran, code, lastLine } = await run(script, LONG);
    process.kill(Number(lastLine));
    expect([overran, code]).toEqual([false, 0]);
  });

  it('hears of a signal that only its caller gets, and the caller of it', async () => {
    const script = `process.once('SIGTERM', () => process.exit(5)); setInterval(() => undefined, 1000); console.log('up');`;
    const result = await run(script, LONG, (out, pid) => {
      if (out === 'up\n') process.kill(pid, 'SIGTERM');
    });
    expect(result).toMatchObject({ code: 5, overran: false, heard: 'SIGTERM' });
  });
});

/** One that has ended and that nobody has asked about is not alive. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`);
}
