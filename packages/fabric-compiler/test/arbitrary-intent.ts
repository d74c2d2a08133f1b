import fc from 'fast-check';
import type {
  FabricIntent,
  IntentNetwork,
  IntentPolicy,
  Rule,
  Selector,
  Service,
  ServiceProtocol,
} from '../src/intent.js';

/**
 * Intents of two to four sites with both families behind each, so that most rules compile; prefixes are narrow enough
 * that random packets hit and miss. `several`: sites may have two edges.
 */
export function arbitraryIntent(several = false): fc.Arbitrary<FabricIntent> {
  return fc.integer({ min: 2, max: 4 }).chain((siteCount) => {
    const indexes = Array.from({ length: siteCount }, (_, index) => index);
    const networks = indexes.flatMap(networksOfSite);
    return fc
      .record({
        policies: fc.array(arbitraryPolicy(siteCount, networks), { maxLength: 3 }),
        withoutEdge: fc.option(fc.constantFrom(...indexes), { freq: 4 }),
        doubled: several ? fc.subarray(indexes) : fc.constant<number[]>([]),
        preferred: fc.boolean(),
      })
      .map(({ policies, withoutEdge, doubled, preferred }) => ({
        tenantId: 'tenant',
        sites: indexes.map((index) => ({ id: siteId(index), name: `site ${index}` })),
        networks,
        edges: indexes
          .filter((index) => index !== withoutEdge)
          .flatMap((index) => {
            const edge = {
              id: edgeId(index),
              siteId: siteId(index),
              name: `edge ${index}`,
              underlayAddress: `203.0.113.${index + 1}`,
              underlayPort: 4500,
            };
            if (!doubled.includes(index)) return [edge];
            const second = {
              id: secondEdgeId(index),
              name: `second ${index}`,
              underlayAddress: `198.51.100.${index + 1}`,
            };
            return [
              { ...edge, preference: preferred ? 1 : 2 },
              { ...edge, ...second, preference: preferred ? 2 : 1 },
            ];
          }),
        policies: numbered(policies),
      }));
  });
}

/** Two to four hosts whose only address in the fabric is the underlay address of their edge, one of them perhaps without an edge. */
export function arbitraryHosts(family: 4 | 6): fc.Arbitrary<FabricIntent> {
  return fc.integer({ min: 2, max: 4 }).chain((siteCount) => {
    const indexes = Array.from({ length: siteCount }, (_, index) => index);
    const networks = indexes.map((index) => ({
      id: `host-${index}`,
      siteId: siteId(index),
      name: `host ${index}`,
      prefix: family === 4 ? `${hostAddress(index, family)}/32` : `${hostAddress(index, family)}/128`,
    }));
    const prefixes = family === 4 ? ['203.0.113.0/30', '203.0.0.0/16'] : ['2001:db8::/126', '2001:db8::/32'];
    return fc
      .record({
        policies: fc.array(arbitraryPolicy(siteCount, networks, prefixes), { maxLength: 3 }),
        withoutEdge: fc.option(fc.constantFrom(...indexes), { freq: 4 }),
      })
      .map(({ policies, withoutEdge }) => ({
        tenantId: 'tenant',
        keyingMode: 'ikev2',
        sites: indexes.map((index) => ({ id: siteId(index), name: `site ${index}` })),
        networks,
        edges: indexes
          .filter((index) => index !== withoutEdge)
          .map((index) => ({
            id: edgeId(index),
            siteId: siteId(index),
            name: `edge ${index}`,
            underlayAddress: hostAddress(index, family),
            underlayPort: 4500,
          })),
        policies: numbered(policies),
      }));
  });
}

function hostAddress(index: number, family: 4 | 6): string {
  return family === 4 ? `203.0.113.${index + 1}` : `2001:db8::${index + 1}`;
}

export function siteId(index: number): string {
  return `site-${index}`;
}

/** Edge ids run against the order of site ids, so that sorting by the wrong one shows. */
export function edgeId(index: number): string {
  return `edge-${9 - index}`;
}

export function secondEdgeId(index: number): string {
  return `other-${9 - index}`;
}

/** The same intent with its unordered collections in another order. */
export function shuffled(intent: FabricIntent): fc.Arbitrary<FabricIntent> {
  return fc
    .record({
      sites: shuffle(intent.sites),
      networks: shuffle(intent.networks),
      edges: shuffle(intent.edges),
      seed: fc.infiniteStream(fc.nat()),
    })
    .map(({ sites, networks, edges, seed }) => ({
      ...intent,
      sites,
      networks,
      edges,
      policies: intent.policies.map((policy) => ({
        ...policy,
        rules: policy.rules.map((rule) => ({
          ...rule,
          sources: ordered(rule.sources, seed),
          destinations: ordered(rule.destinations, seed),
          services: ordered(rule.services, seed).map((service) => ({
            ...service,
            ports: ordered(service.ports, seed),
          })),
        })),
      })),
    }));
}

function networksOfSite(index: number): IntentNetwork[] {
  const prefixes = [`10.${index}.0.0/28`, `10.${index}.0.16/28`, `2001:db8:${index}::/124`];
  return prefixes.map((prefix, number) => ({
    id: `network-${index}-${number}`,
    siteId: siteId(index),
    name: `network ${index} ${number}`,
    prefix,
  }));
}

function arbitraryPolicy(
  siteCount: number,
  networks: readonly IntentNetwork[],
  prefixes: readonly string[] = PREFIXES,
): fc.Arbitrary<IntentPolicy> {
  const selectors = fc.array(arbitrarySelector(siteCount, networks, prefixes), { minLength: 1, maxLength: 3 });
  const rule: fc.Arbitrary<Rule> = fc.record({
    id: fc.constant(''),
    name: fc.constant('rule'),
    action: fc.constantFrom('PROTECT', 'PROTECT', 'DISCARD'),
    sources: selectors,
    destinations: selectors,
    services: fc.array(arbitraryService(), { minLength: 1, maxLength: 3 }),
    enabled: fc.integer({ min: 0, max: 4 }).map((value) => value > 0),
  });
  return fc.record({
    id: fc.constant(''),
    name: fc.constant('policy'),
    enabled: fc.integer({ min: 0, max: 4 }).map((value) => value > 0),
    rules: fc.array(rule, { maxLength: 4 }),
  });
}

function arbitrarySelector(
  siteCount: number,
  networks: readonly IntentNetwork[],
  prefixes: readonly string[],
): fc.Arbitrary<Selector> {
  return fc.oneof(
    fc.constant<Selector>({ kind: 'any' }),
    fc.nat(siteCount - 1).map((index): Selector => ({ kind: 'site', siteId: siteId(index) })),
    fc.constantFrom(...networks).map((network): Selector => ({ kind: 'network', networkId: network.id })),
    fc.constantFrom(...prefixes).map((prefix): Selector => ({ kind: 'prefix', prefix })),
  );
}

const PREFIXES = [
  '10.0.0.0/8',
  '10.1.0.0/27',
  '10.0.0.8/29',
  '2001:db8::/32',
  '2001:db8:1::8/125',
  '0.0.0.0/0',
  '::/0',
];

function arbitraryService(): fc.Arbitrary<Service> {
  const protocol = fc.constantFrom<ServiceProtocol>('any', 'tcp', 'udp', 'icmp', 'icmpv6', 'tcp');
  const port = fc.integer({ min: 0, max: 6 });
  const range = fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
  return fc
    .tuple(protocol, fc.array(range, { maxLength: 2 }))
    .map(([name, ports]) => ({ protocol: name, ports: name === 'tcp' || name === 'udp' ? ports : [] }));
}

function numbered(policies: readonly IntentPolicy[]): IntentPolicy[] {
  return policies.map((policy, index) => ({
    ...policy,
    id: `policy-${index}`,
    rules: policy.rules.map((rule, number) => ({ ...rule, id: `rule-${index}-${number}` })),
  }));
}

function shuffle<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

function ordered<T>(items: readonly T[], keys: Iterator<number>): T[] {
  return items
    .map((item) => ({ item, key: Number(keys.next().value) }))
    .sort((left, right) => left.key - right.key)
    .map(({ item }) => item);
}
