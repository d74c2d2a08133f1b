import { randomFillSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Secret } from '@weft/ipsec-core';
import { type KeyingOutput, type StoredState, TunnelKeying, type TunnelTerms } from '@weft/ipsec-core/blind';
import { nodeCryptoProvider, nodeKeyExchange } from '@weft/ipsec-core/node-crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashingFiles } from '../../test/support/crashing-files.js';
import { KERNEL_FILES } from '../platform/durable-files.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import { TunnelKeyStore } from './tunnel-key-store.js';

const TUNNEL = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';

const TERMS: TunnelTerms = {
  fabric: 'tenant',
  tunnelId: TUNNEL,
  local: 'edge-a',
  remote: 'edge-b',
  epoch: 1n,
  suite: { name: 'esp aes-gcm-16 256 esn', keyingMaterialLength: 36 },
  softLifetime: 1_000,
  hardLifetime: 2_000,
};

/** What an edge that offers keeps before its next offer: each has a number above that of the last. */
function nextState(before: StoredState | undefined): Secret {
  const random = (out: Uint8Array) => void randomFillSync(out);
  const crypto = { provider: nodeCryptoProvider, keyExchange: nodeKeyExchange, random };
  const keying = new TunnelKeying(TERMS, crypto, before, 0);
  const stores = [...keying.begin(), ...keying.handle({ kind: 'time' }, 0)].filter(
    (output): output is Extract<KeyingOutput, { kind: 'store' }> => output.kind === 'store',
  );
  const last = stores.at(-1);
  if (last === undefined) throw new Error('an offer stores its number');
  return last.state;
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-tunnel-keys-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const KEY = new StateKey(new Secret(new Uint8Array(32).fill(5)));
const open = async (files = KERNEL_FILES) => new TunnelKeyStore(await StateDirectory.open(directory, files), KEY);

describe('what an edge keeps of the keys of a tunnel', () => {
  it('is there after a restart, sealed, and for that tunnel only', async () => {
    const store = await open();
    expect(await store.load(TUNNEL)).toBeUndefined();
    const first = nextState(undefined);
    const octets = first.reveal((value) => Buffer.from(value));
    await store.keep(TUNNEL, first, ['4f01', 'ab']);
    expect(first.reveal((value) => value.every((octet) => octet === 0))).toBe(true);
    expect(await (await open()).load(TUNNEL)).toMatchObject({
      state: { highest: 1, roots: [] },
      believed: ['4f01', 'ab'],
    });
    const [name = ''] = await readdir(directory);
    expect((await readFile(path.join(directory, name))).includes(octets)).toBe(false);
    await writeFile(path.join(directory, name.replace(TUNNEL, OTHER)), await readFile(path.join(directory, name)));
    await expect(store.load(OTHER)).rejects.toMatchObject({ code: 'keys_damaged' });
  });

  it('is what was before or what is new whenever power fails, and the new one once it is kept', async () => {
    await (await open()).keep(TUNNEL, nextState(undefined), []);
    const name = (await readdir(directory))[0] ?? '';
    const before = new Map([[path.join(directory, name), await readFile(path.join(directory, name))]]);
    const found = new Set<number | undefined>();
    for (let steps = 0; ; steps++) {
      const files = new CrashingFiles(before, steps);
      const next = nextState((await (await open()).load(TUNNEL))?.state);
      const kept = await (await open(files)).keep(TUNNEL, next, []).then(
        () => true,
        () => false,
      );
      for (const outage of files.outages()) {
        // Of a file that was being written nothing is read; one of its parts stands for all.
        for (const [file, content] of outage) await writeFile(file, content);
        const highest = (await (await open()).load(TUNNEL))?.state.highest;
        found.add(highest);
        expect(kept ? [2] : [1, 2]).toContain(highest);
        for (const [file, content] of before) await writeFile(file, content);
      }
      if (kept) break;
    }
    expect(found).toEqual(new Set([1, 2]));
  });

  it('is refused whole when it was changed, and named', async () => {
    const store = await open();
    await store.keep(TUNNEL, nextState(undefined), []);
    const file = path.join(directory, (await readdir(directory))[0] ?? '');
    const octets = await readFile(file);
    octets[40] = (octets[40] ?? 0) ^ 1;
    await writeFile(file, octets);
    await expect(store.load(TUNNEL)).rejects.toMatchObject({
      code: 'keys_damaged',
      message: expect.stringContaining(TUNNEL),
    });
    const state = await StateDirectory.open(directory);
    await state.write(path.basename(file), KEY.seal(path.basename(file), Uint8Array.of(1, 2, 3)));
    await expect(store.load(TUNNEL)).rejects.toMatchObject({ code: 'keys_damaged' });
  });

  it('goes with its tunnel, and with nothing else', async () => {
    const store = await open();
    const state = await StateDirectory.open(directory);
    await state.write('bundle.sealed', Uint8Array.of(1));
    for (const tunnelId of [TUNNEL, OTHER]) await store.keep(tunnelId, nextState(undefined), []);
    await state.write(`tunnel-${OTHER}.sealed.new`, Uint8Array.of(1));
    await store.keepOnly(new Set([TUNNEL]));
    expect((await readdir(directory)).sort()).toEqual(['bundle.sealed', `tunnel-${TUNNEL}.sealed`]);
  });

  it('is under no name that leads elsewhere', async () => {
    await expect((await open()).load('../identity')).rejects.toThrow(RangeError);
  });
});
