import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChildController, MAIN_ARGUMENTS } from '../support/child-controller.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD } from '../support/test-controller.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const started: ChildController[] = [];

beforeEach(async () => {
  directory = await temporaryDirectory('process');
});
afterEach(async () => {
  for (const controller of started.splice(0)) {
    if (controller.process.exitCode === null && controller.process.signalCode === null) await controller.end('SIGTERM');
  }
  await directory.remove();
});

it('one command saves the embedded database of a running controller, one restores it elsewhere with its keys', async () => {
  const [file, key] = [join(directory.path, 'weft.backup'), join(directory.path, 'key')];
  await writeFile(key, randomBytes(32).toString('hex'), { mode: 0o600 });
  const first = await start('before').ready();
  const saved = await command('before', '--backup', file, '--key', key);
  expect(saved).toMatchObject({ code: 0, stderr: '' });
  expect(saved.stdout).toContain('inside, sealed');
  expect(await command('before', '--backup', file)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('exists already'),
  });
  expect(await first.end('SIGTERM')).toBe(0);

  const restored = await command('after', '--restore', file, '--key', key);
  expect(restored).toMatchObject({ code: 0, stderr: '' });
  expect(restored.stdout).toContain('the keys in WEFT_DATA_DIR are those of the backup');
  expect(await command('after', '--restore', file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not empty'),
  });
  const second = await start('after').ready();
  // Nothing was made anew: neither keys nor the first user.
  expect(second.log.map((line) => line['msg'])).not.toContain('root certificate made');
  const ready = second.log.find((line) => line['msg'] === 'controller ready');
  expect(Number(ready?.['epoch'])).toBeGreaterThan(1_700_000_000);
});

it('says how it is used', async () => {
  expect(await command('before', '--backup')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--restore FILE'),
  });
  expect(await command('before', '--backup', 'a', '--replace')).toMatchObject({ code: 2 });
});

function environment(data: string): Record<string, string> {
  return {
    WEFT_HTTP_LISTEN: '127.0.0.1:0',
    WEFT_SESSION_LISTEN: '127.0.0.1:0',
    WEFT_ENROLLMENT_LISTEN: '127.0.0.1:0',
    WEFT_PUBLIC_HOST: '127.0.0.1',
    WEFT_ADMIN_PASSWORD: TEST_ADMIN_PASSWORD,
    WEFT_DATA_DIR: join(directory.path, data),
  };
}

function start(data: string): ChildController {
  const controller = new ChildController(environment(data));
  started.push(controller);
  return controller;
}

/** Runs the program to its end. */
function command(data: string, ...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', ...environment(data) };
    const { words: program, cwd } = MAIN_ARGUMENTS;
    const child = execFile(process.execPath, [...program, ...words], { cwd, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
