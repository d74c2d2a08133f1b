import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryFabric } from '../test/arbitrary-fabric.js';
import type { FabricTunnel } from '../test/compile-fabric.js';
import { compileFabric } from '../test/compile-fabric.js';
import { deliveredFates } from '../test/delivered-fate.js';
import { fateOf } from '../test/reference-fabric.js';
import type { Packet } from '../test/reference-policy.js';
import { everyPacket, universe } from '../test/small-universe.js';
import { type CompiledFabric, compileShared } from './fabric/compile-shared.js';
import { pathBetween } from './fabric/paths.js';
import type { FabricIntent } from './intent.js';
import { proveAlternatives } from './proof/prove-alternatives.js';

describe('bundles that are delivered in any topology', () => {
  it('carry every packet the way that the proven bundles do, and by links of the topology only', () => {
    let relayed = 0;
    let discarded = 0;
    fc.assert(
      fc.property(
        arbitraryFabric(),
        fc.array(fc.constantFrom(...everyPacket()), { minLength: 60, maxLength: 60 }),
        (intent, packets) => {
          const shared = compileShared(intent);
          fc.pre(shared.ok);
          const delivered = compileFabric(intent);
          if (!shared.ok || !delivered.ok) throw new Error(JSON.stringify(delivered));
          expect(notLinks(intent, shared.fabric, delivered.tunnels)).toEqual([]);
          for (const { edgeId, mappings } of shared.fabric.bundles) {
            expect(delivered.bundles.get(edgeId)?.networkMappings).toEqual(mappings);
          }
          for (const packet of packets) {
            const wanted = provenFate(intent, shared.fabric, packet);
            if (wanted === undefined) continue;
            expect([...deliveredFates(intent, delivered.bundles, packet)], JSON.stringify(packet)).toEqual([wanted]);
            if (wanted.split(' ').length > 2) relayed += 1;
            if (wanted === 'discarded') discarded += 1;
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(relayed).toBeGreaterThan(100);
    expect(discarded).toBeGreaterThan(100);
  });

  it('are safe through any edge of a site that has several, relays among them', () => {
    fc.assert(
      fc.property(arbitraryFabric(), (intent) => {
        const result = compileFabric(intent);
        fc.pre(result.ok);
        if (result.ok) expect(proveAlternatives(result.bundles, intent)).toEqual([]);
      }),
    );
  });

  it('discard a denied flow at the source, and at the relay as well', () => {
    const any = { id: '', name: 'rule', services: [{ protocol: 'any', ports: [] }] } as const;
    const destinations = [{ kind: 'site', siteId: 'site-2' }] as const;
    const intent = universe(
      [
        { ...any, action: 'DISCARD', sources: [{ kind: 'site', siteId: 'site-1' }], destinations },
        { ...any, action: 'PROTECT', sources: [{ kind: 'any' }], destinations },
      ],
      { kind: 'hub_and_spoke', hubSiteIds: ['site-0'] },
      undefined,
    );
    const result = compileFabric({ ...intent, profiles: [] });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    for (const edgeId of ['edge-8', 'edge-9', 'edge-7']) {
      const entries = result.bundles.get(edgeId)?.securityPolicies.filter(({ ruleId }) => ruleId === 'rule-0') ?? [];
      expect(entries.map(({ action }) => action)).toContain('DISCARD');
      expect(entries.every(({ action }) => action === 'DISCARD')).toBe(true);
    }
  });

  it('have as many entries at a hub as at any other site, however many pairs of sites it stands between', () => {
    const sites = Array.from({ length: 320 }, (_, site) => site);
    const any = [{ kind: 'any' }] as const;
    const everywhere = { id: 'all', name: 'all', action: 'PROTECT', sources: any, destinations: any } as const;
    const result = compileFabric({
      ...universe([], { kind: 'hub_and_spoke', hubSiteIds: ['s0'] }, undefined),
      sites: sites.map((site) => ({ id: `s${site}`, name: `s${site}` })),
      networks: sites.map((site) => ({
        id: `n${site}`,
        siteId: `s${site}`,
        name: `n${site}`,
        prefix: `10.${site >> 8}.${site & 255}.0/24`,
      })),
      edges: sites.map((site) => ({
        id: `e${site}`,
        siteId: `s${site}`,
        name: `e${site}`,
        underlayAddress: `198.18.${site >> 8}.${site & 255}`,
        underlayPort: 4500,
      })),
      groups: [],
      profiles: [],
      policies: [
        {
          id: 'p',
          name: 'p',
          enabled: true,
          rules: [{ ...everywhere, services: [{ protocol: 'tcp', ports: [HTTPS] }] }],
        },
      ],
    });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const [hub, spoke] = [result.bundles.get('e0'), result.bundles.get('e1')];
    expect(spoke?.securityPolicies.length).toBe(2);
    expect(spoke?.tunnels.length).toBe(1);
    // Those for its own site, and for what it passes on.
    expect(hub?.securityPolicies.length).toBe(4);
    expect(hub?.tunnels.length).toBe(319);
  });

  it('name every entry of an edge apart, and leave every packet the same room at every relay', () => {
    fc.assert(
      fc.property(arbitraryFabric(), (intent) => {
        const result = compileFabric(intent);
        fc.pre(result.ok);
        const bundles = result.ok ? [...result.bundles.values()] : [];
        for (const { securityPolicies } of bundles) {
          const ids = securityPolicies.map(({ entryId }) => entryId);
          expect(new Set(ids).size).toBe(ids.length);
        }
        expect(new Set(bundles.map(({ device }) => device.mtu)).size).toBeLessThan(2);
      }),
    );
  });
});

/** What the proven bundles do with a packet, in the words of `deliveredFates`; undefined when no edge is asked. */
function provenFate(intent: FabricIntent, fabric: CompiledFabric, packet: Packet): string | undefined {
  const fate = fateOf(fabric, packet);
  if (fate?.kind !== 'arrived') return fate?.kind;
  return fate.way.map((edgeId) => intent.edges.find(({ id }) => id === edgeId)?.siteId).join(' ');
}

/** Tunnels between sites that are no neighbours in the topology. */
function notLinks(
  { edges }: FabricIntent,
  { plan }: CompiledFabric,
  tunnels: readonly FabricTunnel[],
): readonly FabricTunnel[] {
  const numberOf = (edgeId: string) => plan.topology.numbers.get(edges.find(({ id }) => id === edgeId)?.siteId ?? '');
  return tunnels.filter(({ edgeIds: [one, other] }) => {
    const way = pathBetween(plan.paths, numberOf(one) ?? -1, numberOf(other) ?? -1);
    return way?.length !== 2;
  });
}

const HTTPS = { first: 443, last: 443 };
