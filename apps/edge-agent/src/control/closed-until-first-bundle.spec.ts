import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bundle } from '@weft/contracts/southbound';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../../test/support/machine.js';
import { NO_BLIND } from '../../test/support/no-blind.js';
import { signBundle, testBundle } from '../../test/support/test-bundle.js';
import { TestPki } from '../../test/support/test-pki.js';
import { type Identity, parseIdentity } from '../identity/identity.js';
import { protectedRanges } from '../network/protected-ranges.js';
import type { Log } from '../platform/log.js';
import { StateDirectory } from '../platform/state-directory.js';
import { StateKey } from '../platform/state-key.js';
import type { VerifiedBundle } from './bundle/verified-bundle.js';
import { verifySignedBundle } from './bundle/verify-signed-bundle.js';
import { BundleInstaller } from './bundle-installer.js';
import { ClosedUntilFirstBundle } from './closed-until-first-bundle.js';
import { ProtectedNetworksStore } from './protected-networks-store.js';
import { System } from './system.js';

const ROUTES = ['10.2.0.0/24', '10.3.0.0/24'];
const FENCE = protectedRanges(ROUTES, ['10.2.0.128/25']);

let pki: TestPki;
let identity: Identity;
let directory: string;
let machine: Machine;
let installer: BundleInstaller;
let said: { message: string; fields: object }[];

beforeAll(async () => {
  pki = await TestPki.create();
  identity = parseIdentity(await pki.storedIdentity('127.0.0.1:1'));
});
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'weft-closed-spec-'));
  machine = new Machine();
  said = [];
  const ike = { apply: async () => undefined, move: () => undefined, found: () => undefined };
  installer = new BundleInstaller(new System(machine), { ike, blind: NO_BLIND }, LOG);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function openStore(key = 'state.key'): Promise<ProtectedNetworksStore> {
  const state = await StateDirectory.open(path.join(directory, 'state'));
  return new ProtectedNetworksStore(state, () => StateKey.open(path.join(directory, key)));
}

async function closed(configured: readonly string[] = [], key?: string): Promise<ClosedUntilFirstBundle> {
  return new ClosedUntilFirstBundle({ store: await openStore(key), configured, installer, log: LOG });
}

function verified(changes: Partial<Bundle> = {}): VerifiedBundle {
  const signed = signBundle(pki, { ...testBundle(), ...changes });
  return verifySignedBundle(signed, identity, { highestEpoch: 0n, running: undefined });
}

const install = (bundle: VerifiedBundle) => installer.install(bundle, async () => undefined);

describe('an agent without a bundle', () => {
  it('closes what enrollment and the settings name, and keeps the networks that the machine is on reachable', async () => {
    await (await openStore()).keep({ routes: ['10.2.0.0/24'], localNetworks: [] });
    const waiting = await closed(['10.3.0.0/24']);
    await waiting.start();
    expect(machine.fence).toEqual(FENCE);
    expect([...machine.unreachable]).toEqual(ROUTES);
    expect([...machine.rules]).toEqual([4]);
    expect(waiting.networks).toBe(2);
    expect(said.at(-1)).toEqual({ message: 'closed: waiting for the first policy', fields: { networks: 2 } });
  });

  it('says plainly that it closes nothing when it knows of nothing', async () => {
    const waiting = await closed();
    await waiting.start();
    expect(machine.fence).toBeUndefined();
    expect(said.at(-1)?.message).toMatch(/no network is known that could be closed/);
  });

  it('puts back what somebody takes away meanwhile', async () => {
    await (await closed(ROUTES)).start();
    machine.fence = undefined;
    machine.unreachable.delete('10.2.0.0/24');
    machine.rules.clear();
    expect(await installer.repair()).toBe(true);
    expect(machine.fence).toEqual(FENCE);
    expect(machine.unreachable).toContain('10.2.0.0/24');
    expect([...machine.rules]).toEqual([4]);
    expect(await installer.repair()).toBe(false);
  });

  it('goes by what the controller says anew, also after the next start', async () => {
    await (await closed()).start();
    await (await closed()).told({ routes: ['10.3.0.0/24'], localNetworks: [] });
    expect([...machine.unreachable]).toEqual(['10.3.0.0/24']);
    expect(await (await openStore()).load()).toEqual({ routes: ['10.3.0.0/24'], localNetworks: [] });
    await (await closed()).told({ routes: ['10.3.0.0'], localNetworks: [] });
    expect(said.some(({ message }) => /cannot be used/.test(message))).toBe(true);
    expect(await (await openStore()).load()).toEqual({ routes: ['10.3.0.0/24'], localNetworks: [] });
  });

  it.each(['bind', 'route', 'policy', 'silent-route-for-ever'] as const)(
    'stays closed when its first bundle fails (%s)',
    async (failing) => {
      await (await closed(ROUTES)).start();
      machine.failing = failing;
      await expect(install(verified())).rejects.toThrow();
      const { fence, unreachable, device, rules, loaded } = machine;
      expect(fence).toEqual(FENCE);
      expect([[...unreachable], [...device], [...rules], loaded]).toEqual([ROUTES, [], [4], undefined]);
    },
  );

  it('leaves the rest to its first bundle', async () => {
    const waiting = await closed(ROUTES);
    await waiting.start();
    const bundle = verified();
    await install(bundle);
    expect(machine.fence).toEqual(protectedRanges(['10.2.0.0/24', '2001:db8:2::/64'], ['10.2.0.128/25']));
    expect([...machine.unreachable].sort()).toEqual(['10.2.0.0/24', '2001:db8:2::/64']);
    expect(waiting.networks).toBeUndefined();
    await waiting.told({ routes: ['10.9.0.0/24'], localNetworks: [] });
    expect([...machine.unreachable].sort()).toEqual(['10.2.0.0/24', '2001:db8:2::/64']);
  });

  it('closes what the settings name when what enrollment said cannot be opened, and says what to do', async () => {
    await (await openStore()).keep({ routes: ['10.2.0.0/24'], localNetworks: [] });
    await (await closed(['10.3.0.0/24'], 'other.key')).start();
    expect([...machine.unreachable]).toEqual(['10.3.0.0/24']);
    const line = said.find(({ message }) => /is not known any more/.test(message));
    expect(line?.fields).toMatchObject({ fix: expect.stringContaining('--state-key') });
  });
});

describe('the file of networks to be closed', () => {
  it('tells nothing without the key, and asking for one that is not there makes none', async () => {
    expect(await (await openStore()).load()).toBeUndefined();
    await expect(readFile(path.join(directory, 'state.key'))).rejects.toMatchObject({ code: 'ENOENT' });
    await (await openStore()).keep({ routes: ['10.2.0.0/24'], localNetworks: ['10.1.0.0/24'] });
    const file = path.join(directory, 'state', 'protected-networks.sealed');
    const sealed = await readFile(file);
    expect(sealed.includes('10.2.0.0')).toBe(false);
    await writeFile(file, sealed.subarray(0, -1));
    await expect((await openStore()).load()).rejects.toMatchObject({ code: 'protected_networks_damaged' });
  });
});

const note = (fields: object, message: string) => void said.push({ message, fields });
const plain = (fields: object | string, message = '') =>
  typeof fields === 'string' ? note({}, fields) : note(fields, message);
const LOG = { debug: () => undefined, info: plain, warn: plain, error: plain } as unknown as Log;
