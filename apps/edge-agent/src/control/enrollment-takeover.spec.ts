import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CrashingFiles, type Outage } from '../../test/support/crashing-files.js';
import { EDGE_ID, TestPki } from '../../test/support/test-pki.js';
import { CurrentIdentity } from '../identity/current-identity.js';
import type { StoredIdentity } from '../identity/identity.js';
import { loadStoredIdentity, storeIdentity, storePendingIdentity } from '../identity/identity-store.js';
import { StateDirectory } from '../platform/state-directory.js';
import { settleEnrollment, takeOver } from './enrollment-takeover.js';

/** What the identity before was told; of these files only that they are there matters here. */
const TOLD = [
  'bundle.sealed',
  'epoch.json',
  'previous.sealed',
  'cut-off.json',
  'tunnel-00000000-0000-4000-8000-000000000001.sealed',
];

let old: StoredIdentity;
let anew: StoredIdentity;
beforeAll(async () => {
  const [pki, other] = await Promise.all([TestPki.create(), TestPki.create()]);
  [old, anew] = await Promise.all([
    pki.storedIdentity('controller:8443'),
    other.storedIdentity('other:8443', EDGE_ID.replaceAll('2', '3')),
  ]);
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-takeover-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const inUse = async () => (await CurrentIdentity.open(await StateDirectory.open(directory))).value.edgeId;

/** The directory as files of the model. */
async function present(): Promise<Map<string, Buffer>> {
  const names = await readdir(directory);
  const read = names.map(async (name) => [path.join(directory, name), await readFile(path.join(directory, name))]);
  return new Map((await Promise.all(read)) as [string, Buffer][]);
}

async function restore(outage: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const name of await readdir(directory)) await rm(path.join(directory, name));
  for (const [name, content] of outage) await writeFile(name, content, { mode: 0o600 });
}

/**
 * Everything that may be found on the medium when power fails at any step of some work; of a file that was being written,
 * the shortest and the longest part that is not all of it stand for the others.
 */
async function everyOutage(work: (state: StateDirectory) => Promise<void>): Promise<readonly Outage[]> {
  const before = await present();
  const found = new Map<string, Outage>();
  for (let steps = 0; ; steps++) {
    const files = new CrashingFiles(before, steps);
    // Reads are of the real directory, which the work does not change.
    const done = await work(await StateDirectory.open(directory, files)).then(
      () => true,
      () => false,
    );
    for (const outage of files.outages()) found.set(keyOf(outage), outage);
    if (done) return [...found.values()];
  }
}

/** Unfinished files differ in nothing that anybody looks at. */
function keyOf(outage: Outage): string {
  return [...outage]
    .map(([name, content]) => (name.endsWith('.new') ? name : `${name} ${content.toString('base64')}`))
    .sort()
    .join('\n');
}

describe('the identity of a machine that is enrolled once more', () => {
  beforeEach(async () => {
    const state = await StateDirectory.open(directory);
    await storeIdentity(state, old);
    for (const name of TOLD) await state.write(name, Buffer.from(name));
  });

  it('is the one before, with all that it was told, whenever power fails while the new one is stored', async () => {
    const outages = await everyOutage((state) => storePendingIdentity(state, anew));
    // Nothing yet, a part of it under another name, all of it.
    expect(outages.length).toBeGreaterThanOrEqual(3);
    for (const outage of outages) {
      await restore(outage);
      await settleEnrollment(await StateDirectory.open(directory));
      expect(await inUse()).toBe(old.edgeId);
      expect(await readdir(directory)).toEqual(expect.arrayContaining(TOLD));
    }
  });

  it('is the one before with all that it was told, or the new one with nothing of it, whenever power fails while it takes over', async () => {
    await storePendingIdentity(await StateDirectory.open(directory), anew);
    const outages = await everyOutage(takeOver);
    const found = new Set<string>();
    for (const outage of outages) {
      await restore(outage);
      await settleEnrollment(await StateDirectory.open(directory));
      const edgeId = await inUse();
      found.add(edgeId);
      const names = (await readdir(directory)).filter((name) => !name.endsWith('.new')).sort();
      expect(names).toEqual(
        edgeId === old.edgeId ? ['identity.json', 'identity.pending.json', ...TOLD].sort() : ['identity.json'],
      );
    }
    expect([...found].sort()).toEqual([old.edgeId, anew.edgeId].sort());
  });

  it('is the new one, and nothing is left of the one before, when it has taken over', async () => {
    const state = await StateDirectory.open(directory);
    await storePendingIdentity(state, anew);
    await takeOver(state);
    expect(await loadStoredIdentity(state)).toEqual(anew);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });

  it('stays when the new one cannot be read', async () => {
    const state = await StateDirectory.open(directory);
    await state.write('identity.pending.json', Buffer.from('{'));
    await settleEnrollment(state);
    expect(await loadStoredIdentity(state)).toEqual(old);
    await expect(takeOver(state)).rejects.toMatchObject({ code: 'identity_damaged' });
    expect(await loadStoredIdentity(state)).toEqual(old);
  });

  it.each(['damaged', 'missing'])('gives way to the new one at once when it is %s', async (how) => {
    const state = await StateDirectory.open(directory);
    if (how === 'damaged') await state.write('identity.json', Buffer.from('{'));
    else await state.remove('identity.json');
    await storePendingIdentity(state, anew);
    await settleEnrollment(state);
    expect(await loadStoredIdentity(state)).toEqual(anew);
    expect(await readdir(directory)).toEqual(['identity.json']);
  });
});
