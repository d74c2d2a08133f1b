import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryIntent, edgeId, secondEdgeId } from '../../test/arbitrary-intent.js';
import { compileFabric, namedEntries } from '../../test/compile-fabric.js';
import type { BundleAddressList, EdgeBundle } from '../bundle.js';
import { compileShared } from '../fabric/compile-shared.js';
import { tunnelIdOf } from '../identifiers.js';
import type { FabricIntent } from '../intent.js';
import { alternativePeers, proveAlternatives } from './prove-alternatives.js';
import { proveFabric } from './prove-fabric.js';

const FAR = edgeId(0);
const ONE = edgeId(1);
const OTHER = secondEdgeId(1);
const TO_ONE = tunnelIdOf(FAR, ONE);
const TO_OTHER = tunnelIdOf(FAR, OTHER);

/** One edge far away, two at the other site; `preference` is that of the second. */
function intent(preference = 2): FabricIntent {
  const edge = { siteId: 'b', name: 'one', underlayAddress: '203.0.113.2', underlayPort: 4500 };
  return {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: ['a', 'b'].map((id) => ({ id, name: id })),
    networks: [
      { id: 'na', siteId: 'a', name: 'a', prefix: '10.1.0.0/24' },
      { id: 'nb', siteId: 'b', name: 'b', prefix: '10.2.0.0/24' },
    ],
    edges: [
      { ...edge, id: FAR, siteId: 'a', name: 'far', underlayAddress: '203.0.113.1' },
      { ...edge, id: ONE, preference: 3 - preference },
      { ...edge, id: OTHER, name: 'other', underlayAddress: '203.0.113.3', preference },
    ],
    policies: [
      {
        id: 'p',
        name: 'p',
        enabled: true,
        rules: [
          {
            id: 'r',
            name: 'r',
            action: 'PROTECT',
            sources: [{ kind: 'site', siteId: 'a' }],
            destinations: [{ kind: 'site', siteId: 'b' }],
            services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }],
          },
        ],
      },
    ],
  };
}

function compiled(of: FabricIntent = intent()): Map<string, EdgeBundle> {
  const result = compileFabric(of);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return new Map(result.bundles);
}

/** What may be wrong with the bundle of any edge. */
const SPOILS: readonly ((bundle: EdgeBundle) => Partial<EdgeBundle>)[] = [
  () => ({}),
  () => ({ routes: [] }),
  ({ securityPolicies }) => ({ securityPolicies: securityPolicies.slice(1) }),
  ({ tunnels }) => ({ tunnels: tunnels.slice(1) }),
  ({ tunnels }) => ({ tunnels: tunnels.map((tunnel) => ({ ...tunnel, carries: [[HOST]] })) }),
  ({ tunnelGroups }) => ({ tunnelGroups: tunnelGroups.map((group) => ({ ...group, carries: [] })) }),
];
const HOST = { first: Uint8Array.of(10, 1, 0, 1), last: Uint8Array.of(10, 1, 0, 1) };

/** [what was done to it, the edge that it was done to, how] */
const FAULTS: readonly (readonly [string, string, (bundle: EdgeBundle) => Partial<EdgeBundle>])[] = [
  ['the second edge lets it pass in the clear', OTHER, withPolicies((policy) => ({ ...policy, action: 'BYPASS' }))],
  ['the second edge discards it', OTHER, withPolicies((policy) => ({ ...policy, action: 'DISCARD' }))],
  ['the second edge has no entry', OTHER, () => ({ securityPolicies: [] })],
  [
    'the second edge takes more',
    OTHER,
    withPolicies((policy) => ({ ...policy, selector: { ...policy.selector, localPorts: [] } })),
  ],
  ['the second edge has a route less', OTHER, () => ({ routes: [] })],
  [
    'the far edge knows one only',
    FAR,
    ({ tunnelGroups: [group] }) => ({ tunnelGroups: group ? [{ ...group, tunnelIds: [TO_ONE] }] : [] }),
  ],
  [
    'the far edge prefers the other',
    FAR,
    ({ tunnelGroups: [group] }) => ({ tunnelGroups: group ? [{ ...group, tunnelIds: [TO_OTHER, TO_ONE] }] : [] }),
  ],
  [
    'the far edge has no tunnel with the second',
    FAR,
    ({ tunnels }) => ({ tunnels: tunnels.filter(({ tunnelId }) => tunnelId !== TO_OTHER) }),
  ],
  [
    'a tunnel protects less',
    FAR,
    ({ tunnels }) => ({
      tunnels: tunnels.map((tunnel) =>
        tunnel.tunnelId === TO_OTHER ? { ...tunnel, profile: { ...tunnel.profile, keyBits: 128 as const } } : tunnel,
      ),
    }),
  ],
  ['the second edge sends by another tunnel', OTHER, withPolicies((policy) => ({ ...policy, tunnelId: TO_ONE }))],
  ['the second edge has nobody carry it', OTHER, withCarries([])],
  ['the second edge has a part of it carried', OTHER, withCarries([[HOST]])],
  [
    'nobody at the far edge carries it',
    FAR,
    ({ tunnelGroups }) => ({ tunnelGroups: tunnelGroups.map(({ carries: _, ...group }) => group) }),
  ],
  [
    'one of the tunnels carries it at the far edge, and not the group',
    FAR,
    ({ tunnels, tunnelGroups }) => ({
      tunnels: tunnels.map((tunnel) =>
        tunnel.tunnelId === TO_ONE ? { ...tunnel, carries: tunnelGroups[0]?.carries ?? [] } : tunnel,
      ),
      tunnelGroups: tunnelGroups.map(({ carries: _, ...group }) => group),
    }),
  ],
];

function withCarries(carries: readonly BundleAddressList[]) {
  return ({ tunnels }: EdgeBundle) => ({ tunnels: tunnels.map((tunnel) => ({ ...tunnel, carries })) });
}

function withPolicies(change: (policy: EdgeBundle['securityPolicies'][number]) => object) {
  return ({ securityPolicies }: EdgeBundle) => ({
    securityPolicies: securityPolicies.map(change) as unknown as EdgeBundle['securityPolicies'],
  });
}

describe('a site with several edges', () => {
  it('is reached by all of them, preferred first, and each reaches everybody', () => {
    for (const [preference, order] of [
      [2, [TO_ONE, TO_OTHER]],
      [1, [TO_OTHER, TO_ONE]],
    ] as const) {
      const bundles = compiled(intent(preference));
      const far = bundles.get(FAR);
      expect(far?.tunnelGroups).toMatchObject([{ tunnelIds: order, missedProbes: 3, probeIntervalMilliseconds: 500 }]);
      expect(far && namedEntries(far)).toMatchObject([{ action: 'PROTECT', tunnelId: far?.tunnelGroups[0]?.groupId }]);
      for (const [edge, tunnelId] of [
        [ONE, TO_ONE],
        [OTHER, TO_OTHER],
      ] as const) {
        expect(bundles.get(edge)).toMatchObject({
          tunnelGroups: [],
          tunnels: [{ tunnelId, peerEdgeId: FAR }],
          routes: ['10.1.0.0/24'],
          localNetworks: ['10.2.0.0/24'],
          networkMappings: [],
        });
        const here = bundles.get(edge);
        expect(here && namedEntries(here)).toMatchObject([{ action: 'PROTECT', tunnelId, ruleId: 'r' }]);
      }
      expect(proveAlternatives(bundles, intent(preference))).toEqual([]);
    }
  });

  it.each(FAULTS)('is not proven when %s', (_, edge, spoil) => {
    const bundles = compiled();
    const bundle = bundles.get(edge);
    if (bundle === undefined) throw new Error('no such edge');
    bundles.set(edge, { ...bundle, ...spoil(bundle) });
    const findings = proveAlternatives(bundles, intent());
    expect(findings.map(({ kind }) => kind)).toContain('unequal_alternatives');
  });

  it('is proven however rules and edges are', () => {
    let several = 0;
    fc.assert(
      fc.property(arbitraryIntent(true), (arbitrary) => {
        const result = compileFabric(arbitrary);
        const shared = compileShared(arbitrary);
        expect(shared.ok).toBe(result.ok);
        fc.pre(result.ok && shared.ok);
        expect(proveAlternatives(result.bundles, arbitrary)).toEqual([]);
        const kinds = proveFabric(shared.fabric).findings.map(({ kind }) => kind);
        expect(new Set(kinds.filter((kind) => kind !== 'shadowed_rule'))).toEqual(new Set());
        several += [...result.bundles.values()].filter(({ tunnelGroups }) => tunnelGroups.length > 0).length;
      }),
      { numRuns: 200 },
    );
    expect(several).toBeGreaterThan(50);
  });

  it('is looked at with its peers alone after an edit, which finds what is found in all', () => {
    const seen = { found: 0, sound: 0, spared: 0 };
    fc.assert(
      fc.property(arbitraryIntent(true), fc.nat(), fc.constantFrom(...SPOILS), (arbitrary, at, spoil) => {
        const result = compileFabric(arbitrary);
        fc.pre(result.ok && result.bundles.size > 0);
        const sites = new Map(arbitrary.edges.map(({ id, siteId }) => [id, siteId]));
        const edited = [...result.bundles.values()][at % result.bundles.size];
        if (edited === undefined) return;
        const bundles = new Map([...result.bundles, [edited.edgeId, { ...edited, ...spoil(edited) }]]);
        const affected = new Set(
          [...bundles.keys()].filter((edgeId) => sites.get(edgeId) === sites.get(edited.edgeId)),
        );
        const their = [...affected].flatMap((edgeId) => bundles.get(edgeId) ?? []);
        const wanted = new Set([...affected, ...alternativePeers(their, arbitrary)]);
        // What an edge had a tunnel with before it was spoilt is affected, too, wherever a tunnel is gone.
        for (const { peerEdgeId } of edited.tunnels) wanted.add(peerEdgeId);
        const some = new Map([...bundles].filter(([edgeId]) => wanted.has(edgeId)));
        seen.spared += bundles.size - some.size;
        const [all, few] = [proveAlternatives(bundles, arbitrary), proveAlternatives(some, arbitrary, affected)];
        expect(few.length > 0).toBe(all.length > 0);
        seen[all.length > 0 ? 'found' : 'sound'] += 1;
      }),
      { numRuns: 300 },
    );
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(20);
  });

  it('is not proven when peers have another edge behind the preferred one, or in another order', () => {
    const result = compileShared(intent());
    if (!result.ok) throw new Error('it compiles');
    const { fabric } = result;
    expect(proveFabric(fabric).findings).toEqual([]);
    const bundles = fabric.bundles.map((bundle) => ({
      ...bundle,
      peers: bundle.peers.map((section) => ({
        ...section,
        peers: section.peers.map((peer) => ({ ...peer, standbys: [] })),
      })),
    }));
    expect(proveFabric({ ...fabric, bundles }).findings.map(({ kind }) => kind)).toContain('wrong_endpoint');
    const alone = fabric.bundles.map((bundle) => ({ ...bundle, standbys: [] }));
    expect(proveFabric({ ...fabric, bundles: alone }).findings.map(({ kind }) => kind)).toContain('wrong_endpoint');
  });
});
