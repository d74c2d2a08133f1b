import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryFabric } from '../../test/arbitrary-fabric.js';
import { arbitraryHosts, arbitraryIntent, edgeId, shuffled } from '../../test/arbitrary-intent.js';
import { compileFabric, type NamedEntry, namedEntries } from '../../test/compile-fabric.js';
import { firstMatch, type Packet, prefixesHold, siteOf, verdictOfIntent } from '../../test/reference-policy.js';
import { octetsFromNumber } from '../address/octets.js';
import { parseAddressText } from '../address/text.js';
import type { BundleSecurityPolicy, EdgeBundle } from '../bundle.js';
import { compileShared } from '../fabric/compile-shared.js';
import { tunnelIdOf } from '../identifiers.js';
import type { FabricIntent, KeyingMode } from '../intent.js';
import { AddressLists } from './address-lists.js';
import { DeliveredEntries } from './delivered-entries.js';

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

  it('lets the edges negotiate with the same configuration at both ends, or leaves the keys to the controller', () => {
    fc.assert(
      fc.property(arbitraryIntent(), fc.constantFrom(...KEYING_MODES, undefined), (intent, mode) => {
        const result = compileFabric({ ...intent, ...(mode === undefined ? {} : { keyingMode: mode }) });
        fc.pre(result.ok && result.tunnels.length > 0);
        for (const { tunnelId, edgeIds, keyingMode } of result.tunnels) {
          const [one, other] = edgeIds.map((id) =>
            bundleOf(result.bundles, id).tunnels.find((tunnel) => tunnel.tunnelId === tunnelId),
          );
          expect(keyingMode).toBe(mode ?? 'ike-less');
          expect(one?.keying).toEqual(other?.keying);
          expect(one?.keying.mode).toBe(keyingMode);
          // What is recorded today must not be readable with a quantum computer: no proposal without ML-KEM.
          const exchanges = one?.keying.mode === 'ikev2' ? one.keying.ike.proposals.map((p) => p.keyExchange) : [];
          expect(exchanges.every(({ additionalMethods }) => additionalMethods.includes(36))).toBe(true);
        }
      }),
    );
  });

  it('says what ESP travels in, and leaves room for UDP wherever edges may find a NAT', () => {
    const choices = fc.tuple(fc.constantFrom('udp', 'none', undefined), fc.constantFrom(...KEYING_MODES));
    fc.assert(
      fc.property(arbitraryIntent(), choices, (intent, [encapsulation, keyingMode]) => {
        const chosen = compileFabric({ ...intent, keyingMode, ...(encapsulation && { encapsulation }) });
        const usual = compileFabric(intent);
        fc.pre(chosen.ok && usual.ok);
        const profiles = [...chosen.bundles.values()].flatMap(({ tunnels }) => tunnels.map(({ profile }) => profile));
        for (const profile of [...profiles, ...chosen.tunnels.map((tunnel) => tunnel.profile)]) {
          expect(profile.protocol === 'ah' ? 'none' : (profile.encapsulation ?? 'udp')).toBe(encapsulation ?? 'udp');
        }
        // The header of UDP has 8 octets, and those of ESP are aligned to four.
        const more = encapsulation === 'none' && keyingMode !== 'ikev2' ? 8 : 0;
        for (const [edgeId, { device }] of chosen.bundles) {
          expect(device.mtu).toBe(bundleOf(usual.bundles, edgeId).device.mtu + more);
        }
      }),
    );
  });

  it('has edges make keys by relayed messages where the controller would make them, and nothing else is otherwise', () => {
    let tunnels = 0;
    fc.assert(
      fc.property(arbitraryIntent(true), (intent) => {
        const made = compileFabric({ ...intent, keyingMode: 'ike-less' });
        const relayed = compileFabric({ ...intent, keyingMode: 'controller-blind' });
        expect(relayed.ok).toBe(made.ok);
        if (!made.ok || !relayed.ok) {
          expect(relayed).toEqual(made);
          return;
        }
        const lifetimes = { softLifetimeSeconds: 3600, hardLifetimeSeconds: 259_200 };
        const keying = { mode: 'controller-blind' as const, lifetimes };
        for (const [edgeId, bundle] of made.bundles) {
          const between = bundle.tunnels.map((each) => (each.external === undefined ? { ...each, keying } : each));
          tunnels += between.length;
          expect(bundleOf(relayed.bundles, edgeId)).toEqual({ ...bundle, tunnels: between });
        }
        expect(relayed.tunnels).toEqual(made.tunnels.map((each) => ({ ...each, keyingMode: 'controller-blind' })));
      }),
      { numRuns: 200 },
    );
    expect(tunnels).toBeGreaterThan(100);
  });

  it('protects with AH between the same ends, for the same packets and with all the room there is, or says where AH cannot be', () => {
    const seen = { made: 0, refused: 0 };
    fc.assert(
      fc.property(arbitraryIntent(true), fc.constantFrom(...KEYING_MODES), (intent, keyingMode) => {
        const esp = compileFabric({ ...intent, keyingMode });
        fc.pre(esp.ok);
        const ah = compileFabric({ ...intent, keyingMode, securityProtocol: 'ah' });
        const doubled = intent.edges.filter(({ preference = 1 }) => preference === 2).length;
        seen[ah.ok ? 'made' : 'refused'] += 1;
        if (!ah.ok) {
          expect(count(ah.problems.map(({ rule }) => rule))).toEqual({
            ...(keyingMode !== 'ikev2' && { ah_without_negotiation: 1 }),
            ...(doubled > 0 && { ah_with_several_edges: doubled }),
          });
          return;
        }
        expect([keyingMode, doubled]).toEqual(['ikev2', 0]);
        for (const [edgeId, { tunnels, device, ...rest }] of ah.bundles) {
          const { tunnels: usual, device: _, ...same } = bundleOf(esp.bundles, edgeId);
          expect(rest).toEqual(same);
          expect(tunnels.map(({ profile: _profile, ...tunnel }) => tunnel)).toEqual(
            usual.map(({ profile: _profile, ...tunnel }) => tunnel),
          );
          for (const { profile } of tunnels) expect(profile).toMatchObject({ protocol: 'ah', replayWindow: 1024 });
          // 20 octets of IPv4, 12 of AH, and 16 of ICV.
          expect(device.mtu).toBe(1500 - 48);
        }
        for (const { profile } of ah.tunnels) expect(profile.protocol).toBe('ah');
      }),
      { numRuns: 200 },
    );
    expect(Math.min(seen.made, seen.refused)).toBeGreaterThan(10);
  });

  it.each([
    // The packet keeps its header of 20 or 40 octets; ESP of AES-GCM adds 8, 8 and 16 octets, a trailer of 2, and padding to four.
    [4, 'esp', 1466],
    [6, 'esp', 1466],
    [4, 'ah', 1472],
    [6, 'ah', 1468],
  ] as const)(
    'protects in transport mode exactly what goes between the underlay addresses of two hosts: IPv%s, %s',
    (family, securityProtocol, mtu) => {
      let protectedEntries = 0;
      fc.assert(
        fc.property(arbitraryHosts(family), fc.constantFrom('udp', 'none', undefined), (intent, encapsulation) => {
          const wanted = { ...intent, securityProtocol, ...(encapsulation === undefined ? {} : { encapsulation }) };
          // The same between the same addresses behind edges that are elsewhere decides every packet, as is shown above.
          const elsewhere = wanted.edges.map((edge) => ({ ...edge, underlayAddress: `198.51.100.${edge.id.at(-1)}` }));
          const usual = compileFabric({ ...wanted, edges: elsewhere });
          const result = compileFabric({ ...wanted, mode: 'transport' });
          expect(result.ok ? [] : result.problems).toEqual(usual.ok ? [] : usual.problems);
          fc.pre(result.ok && usual.ok);
          for (const [edgeId, bundle] of result.bundles) {
            expect(bundle.device.mtu).toBe(mtu);
            protectedEntries += expectHost(bundle, bundleOf(usual.bundles, edgeId));
          }
          for (const { profile } of result.tunnels) expect(profile.mode).toBe('transport');
        }),
        { numRuns: 100 },
      );
      expect(protectedEntries).toBeGreaterThan(50);
    },
  );

  it('refuses transport mode for whatever is not the address of a host, once for each', () => {
    const seen = { made: 0, refused: 0 };
    const spoil = fc.record({
      keyingMode: fc.constantFrom('ikev2', 'ikev2', 'ikev2', 'ike-less', 'controller-blind'),
      // A network more at a site, a network that is wider than its host, and the networks of two sites exchanged.
      more: fc.integer({ min: -3, max: 1 }),
      wider: fc.integer({ min: -3, max: 1 }),
      exchanged: fc.integer({ min: 0, max: 3 }).map((value) => value === 0),
    });
    fc.assert(
      fc.property(arbitraryHosts(4), spoil, (hosts, { keyingMode, more, wider, exchanged }) => {
        // Rules may name what is no more; they are not what this is about.
        const intent = { ...hosts, policies: [] };
        const served = new Set(intent.edges.map((edge) => edge.siteId));
        const at = (index: number) => intent.networks[index];
        const beside = { id: 'more', name: 'more', prefix: '10.9.0.0/24', siteId: at(more)?.siteId ?? '' };
        const networks = intent.networks
          .map((network, index) => (index === wider ? { ...network, prefix: '203.0.113.0/29' } : network))
          .map((network, index, all) =>
            exchanged && index < 2 ? { ...network, prefix: all[1 - index]?.prefix ?? '' } : network,
          );
        const result = compileFabric({
          ...intent,
          keyingMode,
          mode: 'transport',
          networks: more < 0 ? networks : [...networks, beside],
        });
        const sound = keyingMode === 'ikev2' && more < 0 && wider < 0 && !exchanged;
        const harmless = keyingMode === 'ikev2' && wider < 0 && !exchanged && more >= 0 && !served.has(beside.siteId);
        seen[result.ok ? 'made' : 'refused'] += 1;
        expect(result.ok).toBe(sound || harmless);
        const rules = new Set(result.ok ? [] : result.problems.map(({ rule }) => rule));
        if (keyingMode !== 'ikev2') expect(rules).toContain('transport_without_negotiation');
        // What is broken at the edge is said there first; it is not served then.
        if (exchanged || wider >= 0) expect(rules).toContain('underlay_inside_overlay');
        else if (more >= 0 && served.has(beside.siteId)) expect(rules).toContain('transport_beyond_host');
      }),
      { numRuns: 300 },
    );
    expect(Math.min(seen.made, seen.refused)).toBeGreaterThan(10);
  });

  it('takes the underlay address of an edge for its own network in transport mode alone', () => {
    fc.assert(
      fc.property(arbitraryHosts(4), (intent) => {
        const result = compileFabric({ ...intent, policies: [] });
        expect(result.ok ? [] : result.problems.map(({ rule }) => rule)).toEqual(
          intent.edges.map(() => 'underlay_inside_overlay'),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('refuses AH exactly where a policy in force asks for confidentiality and allows something', () => {
    const seen = { made: 0, refused: 0 };
    fc.assert(
      fc.property(arbitraryIntent(), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (intent, asked) => {
        fc.pre(compileFabric(intent).ok);
        const policies = intent.policies.map((policy, index) => ({ ...policy, confidential: asked[index] === true }));
        const result = compileFabric({ ...intent, keyingMode: 'ikev2', securityProtocol: 'ah', policies });
        const wanted = policies.flatMap(({ enabled, confidential, rules }, index) =>
          enabled && confidential && rules.some((rule) => rule.enabled !== false && rule.action === 'PROTECT')
            ? [`/policies/${index}/confidential`]
            : [],
        );
        seen[result.ok ? 'made' : 'refused'] += 1;
        const problems = result.ok ? [] : result.problems;
        expect(problems.map(({ pointer }) => pointer)).toEqual(wanted);
        expect(new Set(problems.map(({ rule }) => rule)).size).toBe(wanted.length === 0 ? 0 : 1);
        // With ESP everybody has it.
        expect(compileFabric({ ...intent, policies })).toEqual(compileFabric(intent));
      }),
      { numRuns: 200 },
    );
    expect(Math.min(seen.made, seen.refused)).toBeGreaterThan(10);
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

  it('knows beforehand how much it is, whatever the topology', () => {
    let entries = 0;
    fc.assert(
      fc.property(arbitraryFabric(), (intent) => {
        const shared = compileShared(intent);
        fc.pre(shared.ok);
        if (!shared.ok) return;
        const { ownership } = shared.fabric.plan.topology;
        const written = new DeliveredEntries(new AddressLists(ownership), ownership);
        for (const bundle of shared.fabric.bundles) {
          const all = written.of(bundle);
          const ranges = all.map(({ selector }) => selector.localAddresses.length + selector.remoteAddresses.length);
          expect(written.sizeOf(bundle)).toEqual({
            entries: all.length,
            ranges: ranges.reduce((sum, count) => sum + count, 0),
          });
          entries += all.length;
        }
      }),
    );
    expect(entries).toBeGreaterThan(500);
  });

  it('is refused where entries are more than an edge takes, or name more addresses, and it is said what to do', () => {
    const problemsOf = (intent: FabricIntent) => {
      const result = compileFabric(intent);
      return result.ok
        ? []
        : result.problems.map(({ pointer, rule, detail }) => [pointer, rule, detail.match(/\d{4,}/)?.[0]]).sort();
    };
    const base = threeSites('PROTECT');
    const any = [{ kind: 'any' }] as const;
    const rules = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        id: `rule-${index}`,
        name: `rule ${index}`,
        action: 'PROTECT' as const,
        sources: any,
        destinations: any,
        services: [{ protocol: 'tcp' as const, ports: [{ first: 1 + (index % 60_000), last: 1 + (index % 60_000) }] }],
      }));
    const policy = (count: number) => [{ id: 'p', name: 'p', enabled: true, rules: rules(count) }];
    // Each rule is an entry for who opens, and one for who answers.
    expect(problemsOf({ ...base, policies: policy(50_000) })).toEqual([]);
    expect(problemsOf({ ...base, policies: policy(50_001) })).toEqual(
      [0, 1, 2].map((edge) => [`/edges/${edge}`, 'too_many_entries', '100002']),
    );
    const networks = Array.from({ length: 3000 }, (_, index) => ({
      id: `n${index}`,
      siteId: `site-${index % 2}`,
      name: `n${index}`,
      prefix: `10.${8 + (index >> 8)}.${index & 255}.0/25`,
    }));
    // 700 rules of two entries, each with the ranges of everybody, and with those of the own site.
    expect(problemsOf({ ...base, networks, policies: policy(700) }).map(([, rule]) => rule)).toEqual([
      'too_many_entries',
      'too_many_entries',
    ]);
    expect(problemsOf({ ...base, networks, policies: policy(400) })).toEqual([]);
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

const KEYING_MODES = ['ikev2', 'ike-less', 'controller-blind'] as const satisfies KeyingMode[];

function bundleOf(bundles: ReadonlyMap<string, EdgeBundle>, id: string): EdgeBundle {
  const bundle = bundles.get(id);
  if (bundle === undefined) throw new Error(`no bundle for ${id}`);
  return bundle;
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

function threeSites(action: 'PROTECT' | 'DISCARD'): FabricIntent {
  const indexes = [0, 1, 2];
  const rule = { name: 'rule', services: [{ protocol: 'any', ports: [] }] } as const;
  return {
    tenantId: 'tenant',
    sites: indexes.map((index) => ({ id: `site-${index}`, name: `site ${index}` })),
    networks: indexes.map((index) => ({
      id: `network-${index}`,
      siteId: `site-${index}`,
      name: `network ${index}`,
      prefix: `10.${index}.0.0/24`,
    })),
    edges: indexes.map((index) => ({
      id: edgeId(index),
      siteId: `site-${index}`,
      name: `edge ${index}`,
      underlayAddress: `203.0.113.${index + 1}`,
      underlayPort: 4500,
    })),
    policies: [
      {
        id: 'policy',
        name: 'policy',
        enabled: true,
        rules: [
          {
            ...rule,
            id: 'rule-0-1',
            action,
            sources: [{ kind: 'site', siteId: 'site-0' }],
            destinations: [{ kind: 'site', siteId: 'site-1' }],
          },
          {
            ...rule,
            id: 'rule-1-2',
            action: 'PROTECT',
            sources: [{ kind: 'site', siteId: 'site-1' }],
            destinations: [{ kind: 'site', siteId: 'site-2' }],
          },
        ],
      },
    ],
  };
}

/** The bundle of a host in transport mode is, but for the mode, that of an edge that is elsewhere. @returns what it protects */
function expectHost(bundle: EdgeBundle, elsewhere: EdgeBundle): number {
  const { underlay, device: _mtu, tunnels, ...same } = bundle;
  const { underlay: _place, device: _device, tunnels: others, ...rest } = elsewhere;
  expect(same).toEqual(rest);
  expect(tunnels.map(({ tunnelId }) => tunnelId)).toEqual(others.map(({ tunnelId }) => tunnelId));
  for (const { profile } of tunnels) {
    expect(profile).toMatchObject(
      profile.protocol === 'ah' ? { mode: 'transport' } : { mode: 'transport', encapsulation: 'none' },
    );
  }
  const protectedBy = namedEntries(bundle).flatMap((entry) =>
    entry.action === 'PROTECT' ? [{ ...entry.selector, tunnelId: entry.tunnelId }] : [],
  );
  for (const { localAddresses, remoteAddresses, tunnelId } of protectedBy) {
    const remote = tunnels.find((tunnel) => tunnel.tunnelId === tunnelId)?.remote?.address ?? '';
    expect([localAddresses, remoteAddresses]).toEqual([only(underlay.address), only(remote)]);
  }
  return protectedBy.length;
}

/** The range of one address, as a bundle has it. */
function only(address: string): readonly { readonly first: Uint8Array; readonly last: Uint8Array }[] {
  const parsed = parseAddressText(address);
  if (parsed === undefined) throw new Error(`${address} is no address`);
  const octets = octetsFromNumber(parsed.value, parsed.family);
  return [{ first: octets, last: octets }];
}

/** What V8 alone can tell: whether it has one description for both objects. */
function haveSameHiddenClass(left: unknown, right: unknown): boolean {
  setFlagsFromString('--allow-natives-syntax');
  const same = new Function('left', 'right', 'return %HaveSameMap(left, right)');
  setFlagsFromString('--no-allow-natives-syntax');
  return same(left, right);
}

function count(items: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...new Set(items)].map((item) => [item, items.filter((one) => one === item).length]));
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
