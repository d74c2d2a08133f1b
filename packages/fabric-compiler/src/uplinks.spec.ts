import { describe, expect, it } from 'vitest';
import { compileFabric } from '../test/compile-fabric.js';
import { compiledOrThrow, externalIntent, healthyIntent } from '../test/seeded-bugs.js';
import { changedTunnels } from './diff/changed-tunnels.js';
import { compileShared } from './fabric/compile-shared.js';
import { peersOf } from './fabric/shared-bundle.js';
import type { FabricIntent } from './intent.js';
import { proveDelivered } from './proof/prove-delivered.js';
import { proveFabric } from './proof/prove-fabric.js';
import { pathWatchOf } from './uplinks.js';

const OTHERS = ['198.51.100.1', '2001:db8:ffff::1'];
const ENDPOINTS = OTHERS.map((address) => ({ address, port: 4500 }));

describe('an edge with several uplinks', () => {
  it('is given them, and so are its peers, in order; all that may use another path watch theirs', () => {
    const bundles = delivered(withUplinks(healthyIntent(), OTHERS));
    for (const { edgeId, otherUnderlays, pathWatch, tunnels } of bundles.values()) {
      expect(otherUnderlays).toEqual(edgeId === 'edge-8' ? ENDPOINTS : undefined);
      const own = tunnels.filter(({ peerEdgeId }) => peerEdgeId === 'edge-8');
      expect(own.map(({ otherRemotes }) => otherRemotes)).toEqual(edgeId === 'edge-8' ? [] : [ENDPOINTS]);
      for (const tunnel of tunnels) if (!own.includes(tunnel)) expect(tunnel).not.toHaveProperty('otherRemotes');
      expect(pathWatch).toEqual({ probeIntervalMilliseconds: 1000, missedProbes: 3, holdDownSeconds: 30 });
    }
  });

  it('leaves everybody as it was when it has one', () => {
    for (const bundle of delivered(healthyIntent()).values()) {
      expect(bundle).not.toHaveProperty('otherUnderlays');
      expect(bundle).not.toHaveProperty('pathWatch');
      for (const tunnel of bundle.tunnels) expect(tunnel).not.toHaveProperty('otherRemotes');
    }
    expect(delivered(withUplinks(healthyIntent(), []))).toEqual(delivered(healthyIntent()));
  });

  it('is proven, leaves room for the longest header of its uplinks, and says no more to gateways that are not ours', () => {
    const intent = withUplinks(plain(healthyIntent()), OTHERS);
    const fabric = compiledOrThrow(intent);
    expect(proveFabric(fabric).findings).toEqual([]);
    expect([...proveDelivered(delivered(intent), fabric).values()].flat()).toEqual([]);
    const mtus = new Map([...delivered(intent).values()].map(({ edgeId, device }) => [edgeId, device.mtu]));
    expect((mtus.get('edge-9') ?? 0) - (mtus.get('edge-8') ?? 0)).toBe(20);
    const partnered = compiledOrThrow(withUplinks(externalIntent(), OTHERS));
    const external = partnered.bundles.flatMap(peersOf).filter(({ peerId }) => peerId === 'partner');
    expect(external.map(({ otherRemotes }) => otherRemotes)).toEqual(external.map(() => []));
    expect(external.length).toBeGreaterThan(0);
  });

  it('is another one for its peers and for nobody else, and keeps the tunnels that it has', () => {
    const apart: FabricIntent = {
      ...healthyIntent(),
      topology: { kind: 'partial_mesh', meshes: [['site-0', 'site-1', 'site-2'], ['site-3']] },
    };
    const before = compiledOrThrow(apart);
    const after = compileShared(withUplinks(apart, OTHERS), before);
    if (!after.ok) throw new Error(JSON.stringify(after.problems));
    const changed = after.changed.map((edge) => after.fabric.bundles[edge]?.edgeId);
    expect(changed.toSorted()).toEqual(['edge-7', 'edge-8', 'edge-9']);
    expect(changedTunnels(before, after.fabric)).toEqual([]);
  });
});

describe('the watch of the paths', () => {
  const tunnel = [...delivered(withUplinks(healthyIntent(), OTHERS)).values()].flatMap(({ tunnels }) => tunnels)[0];
  const many = (count: number) => Array.from({ length: count }, () => tunnel).flatMap((each) => each ?? []);

  it.each([
    [0, undefined],
    [1, 1_000],
    [100, 1_000],
    [1_000, 10_000],
    [4_096, 40_960],
    [10_000, 60_000],
  ])('asks of %i tunnels as often as an edge can', (count, interval) => {
    const watch = pathWatchOf({ otherUnderlays: ENDPOINTS, tunnels: many(count) });
    expect(watch?.probeIntervalMilliseconds).toBe(interval);
  });
});

/** Of the edge of site 1. */
function withUplinks(intent: FabricIntent, otherUnderlayAddresses: readonly string[]): FabricIntent {
  const edges = intent.edges.map((edge) => (edge.id === 'edge-8' ? { ...edge, otherUnderlayAddresses } : edge));
  return { ...intent, edges };
}

function delivered(intent: FabricIntent) {
  const result = compileFabric(plain(intent));
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.bundles;
}

/** With one profile for all. */
function plain(intent: FabricIntent): FabricIntent {
  const policies = intent.policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map(({ profileId: _, ...rule }) => rule),
  }));
  return { ...intent, policies };
}
