import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** `npm test` adds up what this reporter writes: a test that it does not see fail would be a test that cannot. */
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
let directory: string;

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-tally-'));
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

it('names every test that failed or was skipped, with its reason', () => {
  const { status, tally } = tallyOf({
    'some.spec.js': `
      import { describe, expect, it } from 'vitest';
      describe('a sum', () => {
        it('is right', () => expect(1 + 1).toBe(2));
        it('is wrong', () => { throw new Error('one and one\\nis two'); });
        it('waits', (context) => context.skip('there is no abacus'));
      });`,
    'broken.spec.js': `throw new Error('cannot be loaded');`,
    'late.spec.js': `
      import { it } from 'vitest';
      it('leaves something behind', () => { Promise.reject(new Error('nobody caught me')); });`,
  });
  expect(status).toBe(1);
  expect(tally.passed).toBe(2);
  expect(tally.skipped).toEqual([{ name: 'a sum > waits', why: 'there is no abacus' }]);
  expect(tally.failed).toHaveLength(3);
  expect(tally.failed).toContainEqual({ name: 'some.spec.js: a sum > is wrong', why: 'one and one' });
  expect(tally.failed).toContainEqual({ name: 'broken.spec.js', why: 'cannot be loaded' });
  expect(tally.failed).toContainEqual({ name: 'outside of a test', why: 'nobody caught me' });
});

it('has what it counted, and says where it is, as long as it runs', async () => {
  const file = path.join(directory, 'running.json');
  const files = {
    // The larger one is run first.
    'a.test.js': `import { it } from 'vitest'; it('is done', () => undefined); // ${'-'.repeat(1000)}`,
    'z.test.js': `import { it } from 'vitest'; it('hangs', () => { for (;;); });`,
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(directory, name), text);
  const args = [...vitest('run', '.test.js'), '--no-file-parallelism'];
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, WEFT_TALLY: file },
    detached: true,
    stdio: 'ignore',
  });
  try {
    const running = () => (fs.existsSync(file) ? readWhole(file) : undefined);
    await expect.poll(running).toEqual({ passed: 1, failed: [], skipped: [], running: ['z.test.js'] });
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  }
});

/** Undefined while it is being written. */
function readWhole(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function vitest(...args: string[]): string[] {
  const reporter = path.join(root, 'tools/repository/tally-reporter.mjs');
  return [path.join(root, 'node_modules/vitest/vitest.mjs'), ...args, '--root', directory, `--reporter=${reporter}`];
}

function tallyOf(files: Record<string, string>) {
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(directory, name), text);
  const file = path.join(directory, 'tally.json');
  const { status } = spawnSync(process.execPath, vitest('run', 'spec.js'), {
    cwd: directory,
    env: { ...process.env, WEFT_TALLY: file },
  });
  return { status, tally: JSON.parse(fs.readFileSync(file, 'utf8')) };
}
