import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BundleStore } from '../src/control/bundle-store.js';
import { CurrentIdentity } from '../src/identity/current-identity.js';
import type { StoredIdentity } from '../src/identity/identity.js';
import { storeIdentity, storePendingIdentity } from '../src/identity/identity-store.js';
import { crashDetectionSecret } from '../src/ike/crash-detection-secret.js';
import { rememberAddresses } from '../src/network/remembered-addresses.js';
import { StateDirectory } from '../src/platform/state-directory.js';
import { StateKey } from '../src/platform/state-key.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { fill, putOnSmallDisk } from './support/small-disk.js';
import { signBundle, testBundle } from './support/test-bundle.js';
import { TestPki } from './support/test-pki.js';

// Whoever may make namespaces may mount.
const unavailable = namespacesUnavailable();

/** Everything that an agent keeps of what it is told and does. */
interface Kept {
  readonly state: StateDirectory;
  readonly identity: CurrentIdentity;
  readonly bundles: BundleStore;
}

describe.skipIf(unavailable !== undefined)(`a disk that is full${unavailable ? ` (${unavailable})` : ''}`, () => {
  let pki: TestPki;
  let renewed: StoredIdentity;
  let directory: string;
  let kept: Kept;

  beforeAll(async () => {
    pki = await TestPki.create();
    renewed = await pki.storedIdentity('controller:8443');
  });

  beforeEach(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'weft-full-disk-'));
    putOnSmallDisk(directory);
    const state = await StateDirectory.open(directory);
    await storeIdentity(state, await pki.storedIdentity('controller:8443'));
    const key = mkdtempSync(path.join(tmpdir(), 'weft-full-disk-key-'));
    const bundles = new BundleStore(state, await StateKey.open(path.join(key, 'key')));
    rmSync(key, { recursive: true });
    await bundles.raiseEpoch(5n);
    await bundles.keep(first());
    await bundles.keepOnTrial(second());
    kept = { state, identity: await CurrentIdentity.open(state), bundles };
  });

  afterEach(() => {
    execFileSync('umount', [directory]);
    rmSync(directory, { recursive: true });
  });

  it.each<readonly [string, (edge: Kept) => Promise<unknown>]>([
    ['a renewed certificate', ({ identity }) => identity.renew(renewed)],
    ['an identity that waits', ({ state }) => storePendingIdentity(state, renewed)],
    ['a higher epoch', ({ bundles }) => bundles.raiseEpoch(6n)],
    ['a bundle', ({ bundles }) => bundles.keep(second())],
    ['a bundle on trial', ({ bundles }) => bundles.keepOnTrial(second())],
    ['that a bundle has cut the edge off', ({ bundles }) => bundles.takeBack(first(), CUT_OFF)],
    [
      'what crash detection tokens are made from',
      ({ state }) => crashDetectionSecret(state, (out) => void out.fill(7)),
    ],
  ])(
    'does not take %s: that is said, no file is lost or half there, and it is taken when there is room',
    async (_, keep) => {
      const before = filesOf(directory);
      fill(path.join(directory, FILLER));
      await expect(keep(kept)).rejects.toMatchObject({
        code: 'state_unwritable',
        message: expect.stringContaining('ENOSPC'),
        fix: expect.stringContaining('make room'),
      });
      expect(filesOf(directory)).toEqual(before);
      rmSync(path.join(directory, FILLER));
      await keep(kept);
      expect(filesOf(directory)).not.toEqual(before);
    },
  );

  it('takes that a trial has ended well, and that a bundle was refused for what it did: that needs no room', async () => {
    await kept.bundles.takeBack(first(), CUT_OFF);
    await kept.bundles.keepOnTrial(second());
    fill(path.join(directory, FILLER));
    await kept.bundles.endTrial();
    await kept.bundles.forgetCutOff();
    expect([await kept.bundles.previous(), await kept.bundles.cutOff()]).toEqual([undefined, undefined]);
    expect((await kept.bundles.lastKnownGood())?.content.equals(second().content)).toBe(true);
  });

  it('keeps no address of the controller, which is said, and found all the same', async () => {
    const troubles: unknown[] = [];
    const addresses = [{ address: '192.0.2.7', family: 4 as const }];
    const resolve = rememberAddresses({
      state: kept.state,
      onTrouble: (error) => troubles.push(error),
      resolve: async () => addresses,
    });
    fill(path.join(directory, FILLER));
    expect(await resolve('controller')).toEqual(addresses);
    expect(troubles).toEqual([expect.objectContaining({ code: 'state_unwritable' })]);
    rmSync(path.join(directory, FILLER));
    expect(await resolve('controller')).toEqual(addresses);
    expect(troubles).toHaveLength(1);
  });

  function first() {
    return signBundle(pki, testBundle());
  }

  function second() {
    return signBundle(pki, { ...testBundle(), routes: [] }, { generation: 11n });
  }
});

/** Content by name, without what fills the disk. */
function filesOf(directory: string): ReadonlyMap<string, string> {
  const names = readdirSync(directory).filter((name) => name !== FILLER);
  return new Map(names.sort().map((name) => [name, readFileSync(path.join(directory, name)).toString('hex')]));
}

const FILLER = 'filler';
const CUT_OFF = { contentHash: 'ab'.repeat(32), takenBackAt: '2031-01-02T03:04:05.000Z' };
