import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { programExists, runQuietly } from './commands.mjs';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a command that is run quietly', () => {
  it('gives its exit code and what it wrote to both outputs', async () => {
    const script = `console.log('out'); console.error('err'); process.exitCode = 3;`;
    const { code, output } = await runQuietly(process.execPath, ['-e', script]);
    expect(code).toBe(3);
    expect(output.split('\n').sort()).toEqual(['', 'err', 'out']);
  });

  it('fails as a shell says it when there is no such command', async () => {
    const { code, output } = await runQuietly('weft-no-such-command', []);
    expect(code).toBe(127);
    expect(output).toContain('weft-no-such-command');
  });

  it('fails when it does not end in time, though something else holds its output', async () => {
    const script = `
      const { pid } = require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit', detached: true });
      console.log(pid); setInterval(() => undefined, 1000);`;
    const { code, output } = await runQuietly(process.execPath, ['-e', script], { milliseconds: 1500 });
    process.kill(Number.parseInt(output, 10));
    expect(code).toBe(1);
    expect(output).toContain('did not end within 1.5 s');
  });

  it('fails when it is killed', async () => {
    expect((await runQuietly(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'])).code).toBe(1);
  });
});

describe('a command that is run to the end', () => {
  /** The exit of a program that runs another one to the end, with what the other one wrote. */
  async function run(script: string, signal?: NodeJS.Signals): Promise<{ exit: number | NodeJS.Signals; out: string }> {
    const outer =
      `import { runToTheEnd } from ${JSON.stringify(new URL('./commands.mjs', import.meta.url).href)};` +
      `process.exit(await runToTheEnd(process.execPath, ['-e', ${JSON.stringify(script)}]));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', outer], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
      if (signal !== undefined && out === 'ready\n') child.kill(signal);
    });
    const [code, killed] = await once(child, 'close');
    return { exit: killed ?? code, out };
  }

  it('decides the exit code', async () => {
    expect((await run('process.exitCode = 7')).exit).toBe(7);
    expect((await run('process.kill(process.pid, "SIGKILL")')).exit).toBe(128 + 9);
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('hears %s and decides how to end', async (signal) => {
    const script = `
      process.once('${signal}', () => { console.log('heard'); process.exit(5); });
      setInterval(() => undefined, 1000);
      console.log('ready');`;
    expect(await run(script, signal)).toEqual({ exit: 5, out: 'ready\nheard\n' });
  });
});

it('a program is found on the PATH and in the sbin directories', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-commands-spec-'));
  try {
    writeFileSync(path.join(directory, 'weft-program'), '#!/bin/sh\n');
    chmodSync(path.join(directory, 'weft-program'), 0o755);
    expect(programExists('weft-program')).toBe(false);
    vi.stubEnv('PATH', `/nowhere:${directory}:`);
    expect(programExists('weft-program')).toBe(true);
    vi.stubEnv('PATH', '');
    expect(programExists('weft-program')).toBe(false);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
