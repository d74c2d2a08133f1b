import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SignedBundle } from '@weft/contracts/southbound';
import { Secret } from '@weft/ipsec-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashingFiles, type Outage } from '../../test/support/crashing-files.js';
import { KERNEL_FILES } from '../platform/durable-files.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { BundleStore } from './bundle-store.js';

const KEY = new StateKey(new Secret(new Uint8Array(32).fill(5)));
const CUT_OFF = { contentHash: 'ab'.repeat(32), takenBackAt: '2031-01-02T03:04:05.000Z' };
const bundle = (name: string): SignedBundle => ({
  manifest: Buffer.from(name),
  content: Buffer.from(name),
  signatures: [],
  preSharedKeys: [],
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-bundles-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = async (files = KERNEL_FILES) => new BundleStore(await StateDirectory.open(directory, files), KEY);

describe('what an edge keeps of its bundles, whenever power fails', () => {
  it('is the bundle before or the new one', async () => {
    expect(await foundAfter(keepOld, (store) => store.keep(bundle('new')))).toEqual({
      cut: ['new, none on trial', 'old, none on trial'],
      done: ['new, none on trial'],
    });
  });

  it('is never a bundle on trial without the one before it', async () => {
    expect(await foundAfter(keepOld, (store) => store.keepOnTrial(bundle('new')))).toEqual({
      // On trial against itself, which is no harm.
      cut: ['new, instead of old', 'old, instead of old', 'old, none on trial'],
      done: ['new, instead of old'],
    });
  });

  it('has the bundle before again, or not yet, and never without knowing what the other one did', async () => {
    expect(await foundAfter(tryNew, (store) => store.takeBack(bundle('old'), CUT_OFF))).toEqual({
      cut: [
        'new, instead of old',
        'new, instead of old, cut off',
        'old, instead of old, cut off',
        'old, none on trial, cut off',
      ],
      done: ['old, none on trial, cut off'],
    });
  });

  it('stays the new bundle when its trial ends', async () => {
    expect(await foundAfter(tryNew, (store) => store.endTrial())).toEqual({
      cut: ['new, instead of old', 'new, none on trial'],
      done: ['new, none on trial'],
    });
  });

  it('is one of the two epochs, and the higher one once it was said to be kept', async () => {
    const begin = async () => (await open()).raiseEpoch(7n);
    const epoch = async () => String(await (await open()).highestEpoch());
    expect(await foundAfter(begin, (store) => store.raiseEpoch(8n), epoch)).toEqual({ cut: ['7', '8'], done: ['8'] });
  });
});

async function keepOld(): Promise<void> {
  await (await open()).keep(bundle('old'));
}

async function tryNew(): Promise<void> {
  await keepOld();
  await (await open()).keepOnTrial(bundle('new'));
}

/** What may be found, in words: when power failed at any step of the work, and when the work was done. */
async function foundAfter(
  begin: () => Promise<void>,
  work: (store: BundleStore) => Promise<void>,
  look: () => Promise<string> = standing,
): Promise<{ readonly cut: readonly string[]; readonly done: readonly string[] }> {
  await begin();
  const before = await content();
  const cut = new Set<string>();
  for (let steps = 0; ; steps++) {
    const files = new CrashingFiles(before, steps);
    const finished = await work(await open(files)).then(
      () => true,
      () => false,
    );
    const found = finished ? new Set<string>() : cut;
    for (const outage of files.outages()) {
      await restore(outage);
      found.add(await look());
    }
    await restore(before);
    if (finished) return { cut: [...cut].sort(), done: [...found].sort() };
  }
}

async function standing(): Promise<string> {
  const store = await open();
  const nameOf = (signed: { readonly content: Buffer } | undefined) => signed?.content.toString();
  const previous = nameOf(await store.previous());
  const trial = previous === undefined ? 'none on trial' : `instead of ${previous}`;
  return `${nameOf(await store.lastKnownGood())}, ${trial}${(await store.cutOff()) === undefined ? '' : ', cut off'}`;
}

async function content(): Promise<Outage> {
  const names = (await readdir(directory)).map((name) => path.join(directory, name));
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(name)] as const)));
}

async function restore(files: Outage): Promise<void> {
  for (const name of await readdir(directory)) await rm(path.join(directory, name));
  for (const [name, octets] of files) await writeFile(name, octets);
}
