import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryIntent, edgeId, shuffled } from '../../test/arbitrary-intent.js';
import { bundleOf, compileFabric, type NamedEntry, namedEntries } from '../../test/compile-fabric.js';
import { firstMatch, type Packet, prefixesHold, siteOf, verdictOfIntent } from '../../test/reference-policy.js';
import { threeSites } from '../../test/three-sites.js';
import type { BundleSecurityPolicy, EdgeBundle } from '../bundle.js';
import { tunnelIdOf } from '../identifiers.js';
import type { FabricIntent } from '../intent.js';

describe('deliverFabric', () => {
  it('decides every packet between sites as the rules say, at both ends and with the tunnel of the pair', () => {
    let decided = 0;
    fc.assert(
      fc.property(
        arbitraryIntent(),
        fc.array(arbitraryPacket(), { minLength: 20, maxLength: 60 }),
        (intent, packets) => {
          const result = compileFabric(intent);
          fc.pre(result.ok);
          for (const packet of packets) {
            const ends = endsOf(intent, packet);
            if (ends === undefined) continue;
            decided += 1;
            const sent = firstMatch(bundleOf(result.bundles, ends.source), packet, 'outbound');
            const received = firstMatch(bundleOf(result.bundles, ends.destination), packet, 'inbound');
            const wanted = verdictOfIntent(intent, packet);
            const tunnel = wanted === 'PROTECT' ? tunnelIdOf(ends.source, ends.destination) : undefined;
            expect({ verdict: sent?.action ?? 'DISCARD', tunnel: tunnelOf(sent) }).toEqual({ verdict: wanted, tunnel });
            expect({ verdict: received?.action ?? 'DISCARD', tunnel: tunnelOf(received) }).toEqual({
              verdict: wanted,
              tunnel,
            });
            expect(received?.ruleId).toBe(sent?.ruleId);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(decided).toBeGreaterThan(1000);
  });

  it('gives the same bundles whatever the order of sites, networks, edges, selectors, services and ports', () => {
    fc.assert(
      fc.property(
        arbitraryIntent().chain((intent) => fc.tuple(fc.constant(intent), shuffled(intent))),
        ([intent, other]) => {
          const result = compileFabric(intent);
          fc.pre(result.ok);
          const otherResult = compileFabric(other);
          expect(otherResult).toEqual(result);
          if (otherResult.ok) expect([...otherResult.bundles.keys()]).toEqual([...result.bundles.keys()]);
        },
      ),
    );
  });

  it('writes mirrored entries for every tunnel, in the same order of rules at both ends', () => {
    let mirrored = 0;
    fc.assert(
      fc.property(arbitraryIntent(), (intent) => {
        const result = compileFabric(intent);
        fc.pre(result.ok);
        for (const { tunnelId, edgeIds } of result.tunnels) {
          const [here, there] = edgeIds.map((id) =>
            namedEntries(bundleOf(result.bundles, id)).filter((entry) => tunnelOf(entry) === tunnelId),
          );
          // Of one rule it does not matter which of two directions comes first.
          const order = (entries = here) =>
            entries?.map(({ ruleId }) => ruleId).filter((id, at, all) => id !== all[at - 1]);
          expect(order(there)).toEqual(order());
          expect(there?.map((entry) => written(exchanged(entry))).sort()).toEqual(here?.map(written).sort());
          mirrored += here?.length ?? 0;
        }
      }),
    );
    expect(mirrored).toBeGreaterThan(100);
  });

  it('writes entries with unique identifiers, from local networks to networks of the fabric only', () => {
    fc.assert(
      fc.property(arbitraryIntent(), (intent) => {
        const result = compileFabric(intent);
        fc.pre(result.ok);
        for (const bundle of result.bundles.values()) {
          const ids = bundle.securityPolicies.map((entry) => entry.entryId);
          expect(new Set(ids).size).toBe(ids.length);
          for (const { selector } of bundle.securityPolicies) {
            expect(selector.localAddresses.every((range) => prefixesHold(bundle.localNetworks, range.first))).toBe(
              true,
            );
            // A rule may mean everybody, the own site among them, which no tunnel carries.
            const known = [...bundle.routes, ...bundle.localNetworks];
            expect(selector.remoteAddresses.every((range) => prefixesHold(known, range.first))).toBe(true);
          }
        }
      }),
    );
  });

  it('lists a tunnel at both of its ends exactly when an entry protects traffic with it', () => {
    fc.assert(
      fc.property(arbitraryIntent(), (intent) => {
        const result = compileFabric(intent);
        fc.pre(result.ok);
        for (const bundle of result.bundles.values()) {
          const used = new Set(namedEntries(bundle).flatMap((entry) => tunnelOf(entry) ?? []));
          expect(bundle.tunnels.map((tunnel) => tunnel.tunnelId)).toEqual([...used].sort());
          const own = result.tunnels.filter((tunnel) => tunnel.edgeIds.includes(bundle.edgeId));
          expect(own.map((tunnel) => tunnel.tunnelId)).toEqual([...used].sort());
        }
      }),
    );
  });

  it('leaves the bundle of an edge alone when a rule between two other sites changes', () => {
    const before = compiled(threeSites('PROTECT'));
    const after = compiled(threeSites('DISCARD'));
    expect(after.get(edgeId(2))).toEqual(before.get(edgeId(2)));
    expect(after.get(edgeId(0))).not.toEqual(before.get(edgeId(0)));
  });

  it('keeps the identifier of an entry when another service joins the rule', () => {
    const tcp = { protocol: 'tcp', ports: [{ first: 443, last: 443 }] } as const;
    const base = threeSites('PROTECT');
    const [one] = compiled(withServices(base, [tcp])).get(edgeId(0))?.securityPolicies ?? [];
    const entries = compiled(withServices(base, [{ protocol: 'icmp', ports: [] }, tcp])).get(
      edgeId(0),
    )?.securityPolicies;
    expect(entries?.map((entry) => entry.entryId)).toContain(one?.entryId);
    expect(entries?.map((entry) => entry.selector.protocol)).toEqual(expect.arrayContaining([1, 6]));
  });

  it('writes one entry when a rule names the same traffic in both directions, whoever else it names', () => {
    const base = threeSites('PROTECT');
    const rule = base.policies[0]!.rules[0]!;
    const both = { ...rule, sources: [{ kind: 'any' }], destinations: [{ kind: 'any' }] } as const;
    const bundles = compiled({ ...base, policies: [{ id: 'p', name: 'p', enabled: true, rules: [both] }] });
    expect([...bundles.values()].map((bundle) => bundle.securityPolicies.length)).toEqual([1, 1, 1]);
    expect([...bundles.values()].map((bundle) => namedEntries(bundle).length)).toEqual([2, 2, 2]);
  });

  it('makes tunnels that have a hidden class in common, as there are a million of them in a large mesh', () => {
    const tunnels = Array.from({ length: 200 }, () => bundleOf(compiled(threeSites('PROTECT')), edgeId(1)).tunnels[0]);
    expect(haveSameHiddenClass(tunnels.at(-1), tunnels.at(-2))).toBe(true);
    expect(haveSameHiddenClass(tunnels.at(-1), {})).toBe(false);
  });

  it('routes the networks of all other sites into the device, also without a rule', () => {
    const bundles = compiled({ ...threeSites('PROTECT'), policies: [] });
    expect(bundles.get(edgeId(0))).toMatchObject({
      device: { mtu: 1438 },
      localNetworks: ['10.0.0.0/24'],
      networkMappings: [],
      routes: ['10.1.0.0/24', '10.2.0.0/24'],
      tunnels: [],
      securityPolicies: [],
    });
  });
});

function arbitraryPacket(): fc.Arbitrary<Packet> {
  const site = fc.nat(3);
  const host = fc.integer({ min: 0, max: 33 });
  const port = fc.integer({ min: 0, max: 7 });
  return fc
    .record({
      ipv6: fc.boolean(),
      from: site,
      to: site,
      fromHost: host,
      toHost: host,
      sourcePort: port,
      destinationPort: port,
    })
    .chain((parts) => {
      const address = (index: number, number: number) =>
        parts.ipv6 ? `2001:db8:${index}::${(number % 16).toString(16)}` : `10.${index}.0.${number}`;
      return fc.constantFrom(1, 6, 17, 58, 47).map((protocol) => ({
        source: address(parts.from, parts.fromHost),
        destination: address(parts.to, parts.toHost),
        protocol,
        sourcePort: parts.sourcePort,
        destinationPort: parts.destinationPort,
      }));
    });
}

/** Edges that a packet passes; undefined when it stays inside a site or has an end outside the fabric. */
function endsOf(intent: FabricIntent, packet: Packet): { source: string; destination: string } | undefined {
  const from = siteOf(intent, packet.source);
  const to = siteOf(intent, packet.destination);
  const source = intent.edges.find((edge) => edge.siteId === from);
  const destination = intent.edges.find((edge) => edge.siteId === to);
  if (from === to || source === undefined || destination === undefined) return undefined;
  return { source: source.id, destination: destination.id };
}

function tunnelOf(entry: NamedEntry | undefined): string | undefined {
  return entry?.action === 'PROTECT' ? entry.tunnelId : undefined;
}

function written({ ruleId, action, selector }: BundleSecurityPolicy): string {
  return JSON.stringify([ruleId, action, selector]);
}

function exchanged(entry: BundleSecurityPolicy): BundleSecurityPolicy {
  const { localAddresses, remoteAddresses, protocol, localPorts, remotePorts } = entry.selector;
  return {
    ...entry,
    selector: {
      localAddresses: remoteAddresses,
      remoteAddresses: localAddresses,
      protocol,
      localPorts: remotePorts,
      remotePorts: localPorts,
    },
  };
}

/** What V8 alone can tell: whether it has one description for both objects. */
function haveSameHiddenClass(left: unknown, right: unknown): boolean {
  setFlagsFromString('--allow-natives-syntax');
  const same = new Function('left', 'right', 'return %HaveSameMap(left, right)');
  setFlagsFromString('--no-allow-natives-syntax');
  return same(left, right);
}

function withServices(
  intent: FabricIntent,
  services: FabricIntent['policies'][0]['rules'][0]['services'],
): FabricIntent {
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.map((rule) => ({ ...rule, services })),
    })),
  };
}

function compiled(intent: FabricIntent): ReadonlyMap<string, EdgeBundle> {
  const result = compileFabric(intent);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.bundles;
}
