import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { TEST_PEERS, unpackTestPeers } from './test-peers.mjs';

it('an installed strongSwan that reads a configuration of ours is taken as it is, and everything else looked for', async () => {
  const checkout = mkdtempSync(path.join(tmpdir(), 'weft-peers-spec-'));
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  onTestFinished(() => {
    vi.restoreAllMocks();
    rmSync(checkout, { recursive: true });
  });
  const notExpected = () => Promise.reject(new Error('not expected'));
  const machine = {
    has: () => true,
    isRoot: false,
    aptGet: notExpected,
    unpack: notExpected,
    debianMirror: notExpected,
    usesStrongSwan: () => true,
  };
  expect(await unpackTestPeers(checkout, machine)).toBe(true);
  const lines = written.join('').trimEnd().split('\n');
  expect(lines.map((line) => line.replace(/ \(\d+\.\d s\)$/, '').replace(/ {2,}/, ' '))).toEqual(
    TEST_PEERS.map(({ name }) =>
      name === 'strongSwan' ? 'strongSwan that of the system' : `${name} left out: the tests that use it need root`,
    ),
  );
});

it('each has a folder of its own in the checkout', () => {
  const folders = TEST_PEERS.map(({ folder }) => folder);
  expect(new Set(folders).size).toBe(folders.length);
  for (const folder of folders) expect(folder).toMatch(/^\.weft\/[a-z-]+$/);
});
