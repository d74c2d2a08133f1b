import type { Edge } from '@weft/contracts/rest';
import { type Bundle, BundleManifest, SecurityPolicyAction } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrolled, ScriptedEdge } from '../southbound/scripted-edge.js';
import { eventually } from '../support/patience.js';
import { Api, makeTopology, rule } from './support/api.js';

const RULES = 12;
const NEW = { severalUplinks: true, tunnelsByAddress: true };

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let berlin: ScriptedEdge;
let tokyo: ScriptedEdge;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  const rules = Array.from({ length: RULES }, (_, index) => ({
    ...rule(`rule ${index}`, made.berlin.id, made.tokyo.id),
    services: [{ protocol: 'tcp', ports: [{ first: 1000 + index, last: 1000 + index }] }],
  }));
  await api.make('/policies', { name: 'all', rules });
  await api.make('/revisions', {});
  [berlin, tokyo] = ScriptedEdge.together([
    new ScriptedEdge('berlin', await enrolled(api.controller, api.tenantId, made.berlinEdge.id)),
    new ScriptedEdge('tokyo', await enrolled(api.controller, api.tenantId, made.tokyoEdge.id)),
  ]);
});
afterAll(async () => {
  for (const edge of [berlin, tokyo]) edge?.close();
  await api?.stop();
});

const inSync = () =>
  eventually(async () => {
    for (const { id } of [made.berlinEdge, made.tokyoEdge]) {
      const response = await api.fetch(api.path(`/edges/${id}`));
      expect(((await response.json()) as Edge).live.inSync).toBe(true);
    }
  });
const rolledOut = () =>
  eventually(async () => {
    const rows = await api.controller.sql`select revision from fabric_events where type = 'rollout.completed'`;
    expect(rows.map((row) => row['revision'])).toContain(1);
  });
const isByAddress = ({ addressSets, securityPolicies, tunnels }: Bundle) =>
  addressSets.length > 0 &&
  tunnels.every(({ carries }) => carries.length > 0) &&
  securityPolicies.every(({ tunnelId }) => tunnelId === '');
const agreed = (edge: ScriptedEdge) =>
  BundleManifest.decode(edge.messages('bundlePush').at(-1)?.bundle?.manifest ?? Buffer.alloc(0)).removalAgreed;

// In order: each step goes on from the one before it.
describe('an agent that knows tunnels by name alone', () => {
  it('is given entries that name them, and runs what it should; its peer has them by address', async () => {
    berlin.connect(api.controller, NEW);
    tokyo.connect(api.controller);
    const [own, other] = [await berlin.until(() => berlin.bundle), await tokyo.until(() => tokyo.bundle)];
    expect(isByAddress(own)).toBe(true);
    expect(own.securityPolicies).toHaveLength(RULES);
    const { addressSets, tunnels, securityPolicies } = other;
    expect([addressSets, tunnels.map(({ carries }) => carries)]).toEqual([[], [[]]]);
    const [tunnel] = tunnels;
    const protecting = securityPolicies.filter(
      ({ action }) => action === SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
    );
    expect(protecting.map(({ tunnelId }) => tunnelId)).toEqual(Array(RULES).fill(tunnel?.tunnelId));
    expect(protecting[0]?.selector?.remoteAddresses.map(({ first }) => [...first])).toEqual([[10, 1, 0, 0]]);
    expect(tunnel?.tunnelId).toBe(own.tunnels[0]?.tunnelId);
    await inSync();
    await rolledOut();
  });

  it('is given entries by address once it is updated, with the agreement to what only has other names', async () => {
    tokyo.close();
    tokyo.connect(api.controller, NEW);
    const newer = await tokyo.until(() => tokyo.messages('bundlePush').length === 1 && tokyo.bundle);
    expect(isByAddress(newer)).toBe(true);
    expect(agreed(tokyo)).toBe(true);
    await inSync();
  });

  it('is given what it knew when the update is taken back', async () => {
    tokyo.close();
    tokyo.connect(api.controller);
    const older = await tokyo.until(() => tokyo.messages('bundlePush').length === 1 && tokyo.bundle);
    expect(older.addressSets).toEqual([]);
    expect(agreed(tokyo)).toBe(true);
    await inSync();
  });
});
