import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryFabric, withoutUplinks } from '../../test/arbitrary-fabric.js';
import { compileFabric } from '../../test/compile-fabric.js';
import { spelled } from '../../test/reference-fabric.js';
import { firstMatch, type Packet } from '../../test/reference-policy.js';
import { everyPacket } from '../../test/small-universe.js';
import { formatAddressText } from '../address/text.js';
import type { BundleSecurityPolicy, BundleTunnel, EdgeBundle } from '../bundle.js';
import { type CompiledFabric, compileShared } from '../fabric/compile-shared.js';
import type { FabricIntent } from '../intent.js';
import type { Finding } from './finding.js';
import { proveDelivered } from './prove-delivered.js';

describe('proveDelivered', () => {
  it('finds nothing in what is compiled, whatever the topology, the rules and the keying mode', () => {
    fc.assert(
      fc.property(arbitraryFabric(), fc.constantFrom(...CHOICES), (intent, choice) => {
        const { delivered, fabric } = compiled({
          ...(choice === CHOICES[0] ? intent : withoutUplinks(intent)),
          ...choice,
        });
        expect(findingsOf(delivered, fabric)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('finds every bundle that decides some packet otherwise, and shows a packet that it does decide otherwise', () => {
    const seen = { found: 0, harmless: 0 };
    fc.assert(
      fc.property(
        arbitraryFabric(),
        fc.constantFrom(...Object.values(BUGS)),
        fc.nat(),
        fc.nat(),
        fc.array(fc.constantFrom(...PACKETS), { minLength: 100, maxLength: 100 }),
        (intent, bug, at, to, packets) => {
          const { delivered, fabric } = compiled(intent);
          const edges = [...delivered.values()].filter(({ securityPolicies }) => securityPolicies.length > 0);
          fc.pre(edges.length > 0);
          const bundle = edges[at % edges.length];
          if (bundle === undefined) return;
          const broken = bug(bundle, at, to);
          const findings = findingsOf(new Map([...delivered, [bundle.edgeId, broken]]), fabric);
          const otherwise = packets.find((packet) => decisionOf(bundle, packet) !== decisionOf(broken, packet));
          if (findings.length === 0) expect(otherwise).toBeUndefined();
          for (const { counterexample, edgeIds } of findings) {
            if (counterexample === undefined) throw new Error('no packet shows it');
            const packet = spelled(counterexample, (family, value) => formatAddressText({ family, value }));
            expect(decisionOf(broken, packet), JSON.stringify(packet)).not.toBe(decisionOf(bundle, packet));
            expect(edgeIds).toEqual([bundle.edgeId]);
          }
          seen[findings.length > 0 ? 'found' : 'harmless'] += 1;
        },
      ),
      { numRuns: 130 },
    );
    expect(seen.found).toBeGreaterThan(15);
    expect(seen.harmless).toBeGreaterThan(5);
  });

  it.each([
    ['a route that is missing', { routes: [] }],
    ['a route of its own site', { routes: ['10.0.0.0/8'] }],
    ['another endpoint', { underlay: { address: '203.0.113.77', port: 4500 } }],
    ['an uplink that is none', { otherUnderlays: [{ address: '203.0.113.77', port: 4500 }] }],
    ['no uplink but the preferred one', { otherUnderlays: [] }],
    [
      'paths that are watched otherwise',
      { pathWatch: { probeIntervalMilliseconds: 1, missedProbes: 3, holdDownSeconds: 30 } },
    ],
    ['another MTU', { device: { mtu: 9000 } }],
    ['networks of another site', { localNetworks: [] }],
    [
      'a network that is mapped to another one',
      { networkMappings: [{ local: '10.0.0.0/31', overlay: '10.9.0.0/31' }] },
    ],
  ] satisfies [string, Partial<EdgeBundle>][])('finds %s', (_, change) => {
    const [intent] = fc.sample(arbitraryFabric(), { numRuns: 1, seed: 1 });
    if (intent === undefined) throw new Error('no fabric was drawn');
    const { delivered, fabric } = compiled(intent);
    const [bundle] = delivered.values();
    if (bundle === undefined) throw new Error('the fabric has no edge');
    const findings = findingsOf(new Map([...delivered, [bundle.edgeId, { ...bundle, ...change }]]), fabric);
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'delivered_differs', edgeIds: [bundle.edgeId] }));
    delivered.delete(bundle.edgeId);
    expect(findingsOf(delivered, fabric).map(({ edgeIds }) => edgeIds)).toEqual([[bundle.edgeId]]);
  });

  it('finds a peer whose other uplinks are not given, or are given in another order', () => {
    const [intent] = fc.sample(arbitraryFabric().filter(hasFurther), { numRuns: 1, seed: 1 });
    if (intent === undefined) throw new Error('no fabric was drawn');
    const { delivered, fabric } = compiled(intent);
    const bundle = [...delivered.values()].find(({ tunnels }) => tunnels.some((tunnel) => isFurther(tunnel)));
    if (bundle === undefined) throw new Error('no tunnel has a peer with three uplinks');
    for (const change of [
      ({ otherRemotes: _, ...tunnel }: BundleTunnel) => tunnel,
      (tunnel: BundleTunnel) => ({ ...tunnel, otherRemotes: tunnel.otherRemotes?.toReversed() ?? [] }),
    ]) {
      const tunnels = bundle.tunnels.map((tunnel) => (isFurther(tunnel) ? change(tunnel) : tunnel));
      const findings = findingsOf(new Map([...delivered, [bundle.edgeId, { ...bundle, tunnels }]]), fabric);
      expect(findings).toContainEqual(expect.objectContaining({ kind: 'delivered_differs', edgeIds: [bundle.edgeId] }));
    }
  });

  it('takes over what is known of edges, and looks at no other', () => {
    const [intent] = fc.sample(arbitraryFabric(), { numRuns: 1, seed: 1 });
    if (intent === undefined) throw new Error('no fabric was drawn');
    const { fabric, delivered } = compiled(intent);
    const [first = '', ...others] = delivered.keys();
    const known = proveDelivered(new Map(), fabric);
    const proof = proveDelivered(delivered, fabric, (edgeId) => (edgeId === first ? known.get(first) : undefined));
    expect(proof.get(first)).toBe(known.get(first));
    expect(others.flatMap((edgeId) => proof.get(edgeId)?.map(({ detail }) => detail) ?? ['not looked at'])).toEqual([]);
  });
});

function compiled(intent: FabricIntent): { delivered: Map<string, EdgeBundle>; fabric: CompiledFabric } {
  const [delivered, shared] = [compileFabric(intent), compileShared(intent)];
  fc.pre(delivered.ok && shared.ok);
  if (!delivered.ok || !shared.ok) throw new Error('it was compiled');
  return { delivered: new Map(delivered.bundles), fabric: shared.fabric };
}

/** The edge at its other end has three uplinks. */
function isFurther({ otherRemotes = [] }: BundleTunnel): boolean {
  return otherRemotes.length === 2;
}

function hasFurther(intent: FabricIntent): boolean {
  const result = compileFabric(intent);
  const bundles = result.ok ? [...result.bundles.values()] : [];
  return bundles.some(({ tunnels }) => tunnels.some((tunnel) => tunnel.carries !== undefined && isFurther(tunnel)));
}

function findingsOf(delivered: ReadonlyMap<string, EdgeBundle>, fabric: CompiledFabric): readonly Finding[] {
  return [...proveDelivered(delivered, fabric).values()].flat();
}

/** What an edge does with a packet that leaves, read entry by entry. */
function decisionOf(bundle: EdgeBundle, packet: Packet): string {
  const entry = firstMatch(bundle, packet, 'outbound');
  if (entry?.action !== 'PROTECT') return entry?.action ?? 'DISCARD';
  const { tunnelIds } = bundle.tunnelGroups.find(({ groupId }) => groupId === entry.tunnelId) ?? {
    tunnelIds: [entry.tunnelId],
  };
  const members = bundle.tunnels.filter(({ tunnelId }) => tunnelIds.includes(tunnelId));
  return members.length === 0 ? 'DISCARD' : members.map(({ peerEdgeId }) => peerEdgeId).join();
}

/** Changes what tunnels and groups carry, each by its place among all of them. */
function carried(
  bundle: EdgeBundle,
  change: (carries: NonNullable<BundleTunnel['carries']>, place: number) => NonNullable<BundleTunnel['carries']>,
): EdgeBundle {
  const count = bundle.tunnels.length;
  return {
    ...bundle,
    tunnels: bundle.tunnels.map((tunnel, index) => ({ ...tunnel, carries: change(tunnel.carries ?? [], index) })),
    tunnelGroups: bundle.tunnelGroups.map((group, index) => ({
      ...group,
      carries: change(group.carries ?? [], count + index),
    })),
  };
}

type Bug = (bundle: EdgeBundle, at: number, to: number) => EdgeBundle;

/** What a compiler might do wrong to one entry, or to two. */
const BUGS: Readonly<Record<string, Bug>> = {
  forgotten: (bundle, at) => withEntries(bundle, (entries) => entries.toSpliced(at % entries.length, 1)),
  moved: (bundle, at, to) =>
    withEntries(bundle, (entries) => {
      const moved = entries[at % entries.length];
      const rest = entries.toSpliced(at % entries.length, 1);
      return moved === undefined ? entries : rest.toSpliced(to % (rest.length + 1), 0, moved);
    }),
  discarded: (bundle, at) =>
    changed(bundle, at, ({ entryId, ruleId, selector }) => ({ entryId, ruleId, selector, action: 'DISCARD' })),
  bypassed: (bundle, at) =>
    changed(bundle, at, ({ entryId, ruleId, selector }) => ({ entryId, ruleId, selector, action: 'BYPASS' })),
  'sent to somebody else': (bundle, at, to) =>
    changed(bundle, at, (entry) => {
      const tunnelId = bundle.tunnels[to % bundle.tunnels.length]?.tunnelId;
      return tunnelId === undefined ? entry : { ...entry, action: 'PROTECT', tunnelId };
    }),
  'carried by nobody': (bundle, at) =>
    carried(bundle, (carries, place) => (place === at % placesIn(bundle) ? [] : carries)),
  'carried by somebody else': (bundle, at) => {
    const lists = [...bundle.tunnels, ...bundle.tunnelGroups].map(({ carries = [] }) => carries);
    return carried(bundle, (_, place) => lists[(place + at) % lists.length] ?? []);
  },
  'carried in part': (bundle, at) =>
    carried(bundle, (carries, place) =>
      place === at % placesIn(bundle)
        ? carries.map((list) => list.slice(0, 1).map(({ first }) => ({ first, last: first })))
        : carries,
    ),
  'carried beyond what is known': (bundle, at) =>
    carried(bundle, (carries, place) =>
      place === at % placesIn(bundle)
        ? [...carries, [{ first: Uint8Array.of(203, 0, 113, 1), last: Uint8Array.of(203, 0, 113, 9) }]]
        : carries,
    ),
  'with other ports': (bundle, at, to) => selected(bundle, at, () => ({ remotePorts: [{ first: to % 4, last: 3 }] })),
  'with ports of both sides': (bundle, at) =>
    selected(bundle, at, () => ({ localPorts: [{ first: 1, last: 2 }], remotePorts: [{ first: 1, last: 2 }] })),
  'without ports': (bundle, at) => selected(bundle, at, () => ({ localPorts: [], remotePorts: [] })),
  'of any protocol': (bundle, at) => selected(bundle, at, () => ({ protocol: 'any' })),
  'about everybody': (bundle, at) => selected(bundle, at, () => ({ remoteAddresses: EVERYBODY })),
  'about one address': (bundle, at) =>
    selected(bundle, at, ({ remoteAddresses }) => ({
      remoteAddresses: remoteAddresses.slice(0, 1).map(({ first }) => ({ first, last: first })),
    })),
  'about those of another entry': (bundle, at, to) =>
    selected(bundle, at, () => ({
      remoteAddresses: bundle.securityPolicies[to % bundle.securityPolicies.length]?.selector.remoteAddresses ?? [],
    })),
  'the wrong way round': (bundle, at) =>
    selected(bundle, at, ({ localPorts, remotePorts }) => ({ localPorts: remotePorts, remotePorts: localPorts })),
};

function placesIn({ tunnels, tunnelGroups }: EdgeBundle): number {
  return Math.max(1, tunnels.length + tunnelGroups.length);
}

function withEntries(
  bundle: EdgeBundle,
  change: (entries: readonly BundleSecurityPolicy[]) => readonly BundleSecurityPolicy[],
): EdgeBundle {
  return { ...bundle, securityPolicies: change(bundle.securityPolicies) };
}

function changed(
  bundle: EdgeBundle,
  at: number,
  change: (entry: BundleSecurityPolicy) => BundleSecurityPolicy,
): EdgeBundle {
  return withEntries(bundle, (entries) =>
    entries.map((entry, index) => (index === at % entries.length ? change(entry) : entry)),
  );
}

function selected(
  bundle: EdgeBundle,
  at: number,
  change: (selector: BundleSecurityPolicy['selector']) => Partial<BundleSecurityPolicy['selector']>,
): EdgeBundle {
  return changed(bundle, at, (entry) => ({ ...entry, selector: { ...entry.selector, ...change(entry.selector) } }));
}

const CHOICES: readonly Partial<FabricIntent>[] = [
  { keyingMode: 'ikev2' },
  { keyingMode: 'ike-less', encapsulation: 'none' },
  { keyingMode: 'controller-blind' },
  { keyingMode: 'ikev2', securityProtocol: 'ah' },
];
const EVERYBODY = [4, 16].map((length) => ({ first: new Uint8Array(length), last: new Uint8Array(length).fill(255) }));
const PACKETS = [...everyPacket()].filter(({ sourcePort }) => sourcePort < 2);
