import fc from 'fast-check';
import type {
  FabricIntent,
  IntentNetwork,
  IntentPolicy,
  IntentTopology,
  Rule,
  Selector,
  Service,
  ServiceProtocol,
} from '../src/intent.js';
import type { Packet } from './reference-policy.js';

/** Fabrics so small that every packet of them can be sent: four sites, two addresses in each network, four ports. */
export function smallUniverse(): fc.Arbitrary<FabricIntent> {
  return fc
    .record({
      rules: fc.array(arbitraryRule(), { minLength: 1, maxLength: 7 }),
      topology: fc.option(arbitraryTopology(), { nil: undefined }),
      withoutEdge: fc.option(fc.nat(SITES - 1), { freq: 5, nil: undefined }),
    })
    .map(({ rules, topology, withoutEdge }) => universe(rules, topology, withoutEdge));
}

export function universe(
  rules: readonly Rule[],
  topology: IntentTopology | undefined,
  withoutEdge: number | undefined,
): FabricIntent {
  const policies: IntentPolicy[] = [{ id: 'policy', name: 'policy', enabled: true, rules: numbered(rules) }];
  return {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: sites.map((site) => ({ id: siteId(site), name: `site ${site}`, labels: { parity: `${site % 2}` } })),
    networks: sites.flatMap(networksOf),
    edges: sites
      .filter((site) => site !== withoutEdge)
      .map((site) => ({
        id: `edge-${9 - site}`,
        siteId: siteId(site),
        name: `edge ${site}`,
        underlayAddress: `203.0.113.${site + 1}`,
        underlayPort: 4500,
      })),
    groups: [
      { id: 'even', name: 'even', members: [{ kind: 'site_labels', labels: { parity: '0' } }] },
      { id: 'second', name: 'second', members: [{ kind: 'network_labels', labels: { nth: '1' } }] },
    ],
    profiles: [{ id: 'other', name: 'other', esp: { ...ESP, keyBits: 128 }, ike: IKE }],
    policies,
    ...(topology === undefined ? {} : { topology }),
  };
}

/** Every packet between two sites that some rule could tell from others. */
export function* everyPacket(): Generator<Packet> {
  for (const source of ADDRESSES) {
    for (const destination of ADDRESSES) {
      if (source.includes(':') !== destination.includes(':') || siteOfAddress(source) === siteOfAddress(destination)) {
        continue;
      }
      for (const protocol of [1, 58]) yield { source, destination, protocol, sourcePort: 0, destinationPort: 0 };
      for (const protocol of [6, 17]) {
        for (const sourcePort of PORTS) {
          for (const destinationPort of PORTS) yield { source, destination, protocol, sourcePort, destinationPort };
        }
      }
    }
  }
}

export function arbitraryRule(): fc.Arbitrary<Rule> {
  const side = fc.array(arbitrarySelector(), { minLength: 1, maxLength: 2 });
  return fc.record({
    id: fc.constant(''),
    name: fc.constant('rule'),
    action: fc.constantFrom('PROTECT', 'PROTECT', 'DISCARD'),
    sources: side,
    destinations: side,
    services: fc.array(arbitraryService(), { minLength: 1, maxLength: 2 }),
    profileId: fc.constantFrom('', '', '', 'other'),
  });
}

function arbitrarySelector(): fc.Arbitrary<Selector> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<Selector>({ kind: 'any' }) },
    { weight: 3, arbitrary: fc.nat(SITES - 1).map((site): Selector => ({ kind: 'site', siteId: siteId(site) })) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.nat(SITES - 1), fc.nat(2))
        .map(([site, nth]): Selector => ({ kind: 'network', networkId: `network-${site}-${nth}` })),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('10.0.0.0/8', '10.1.0.0/32', '10.2.0.1/32', '10.0.0.0/15', 'fd00:1::/128', '::/0')
        .map((prefix): Selector => ({ kind: 'prefix', prefix })),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom('even', 'second').map((groupId): Selector => ({ kind: 'group', groupId })),
    },
  );
}

function arbitraryService(): fc.Arbitrary<Service> {
  const protocol = fc.constantFrom<ServiceProtocol>('any', 'tcp', 'udp', 'icmp', 'icmpv6', 'tcp');
  const range = fc.tuple(fc.nat(2), fc.nat(2)).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
  return fc
    .tuple(protocol, fc.array(range, { maxLength: 2 }))
    .map(([name, ports]) => ({ protocol: name, ports: name === 'tcp' || name === 'udp' ? ports : [] }));
}

export function arbitraryTopology(): fc.Arbitrary<IntentTopology> {
  const link = fc.uniqueArray(fc.nat(SITES - 1), { minLength: 2, maxLength: 2 });
  return fc.oneof(
    fc.nat(SITES - 1).map((hub): IntentTopology => ({ kind: 'hub_and_spoke', hubSiteIds: [siteId(hub)] })),
    fc.constant<IntentTopology>({
      kind: 'hub_and_spoke',
      hubSiteIds: [siteId(0), siteId(1)],
      homes: [{ siteId: siteId(2), hubSiteId: siteId(1) }],
    }),
    fc.record({ links: fc.array(link, { maxLength: 6 }), relays: fc.uniqueArray(fc.nat(SITES - 1)) }).map(
      ({ links, relays }): IntentTopology => ({
        kind: 'custom_links',
        links: links.map(([one = 0, other = 0]) => ({ siteIds: [siteId(one), siteId(other)] })),
        relaySiteIds: relays.map(siteId),
      }),
    ),
  );
}

function networksOf(site: number): IntentNetwork[] {
  const prefixes = [`10.${site}.0.0/31`, `10.${site}.1.0/31`, `${SIX[site]}/127`];
  return prefixes.map((prefix, nth) => ({
    id: `network-${site}-${nth}`,
    siteId: siteId(site),
    name: `network ${site} ${nth}`,
    prefix,
    labels: { nth: `${nth}` },
  }));
}

function numbered(rules: readonly Rule[]): Rule[] {
  return rules.map((rule, index) => {
    const { profileId, ...rest } = rule;
    const named = { ...rest, id: `rule-${index}`, name: `rule ${index}` };
    return profileId === undefined || profileId === '' ? named : { ...named, profileId };
  });
}

export function siteId(site: number): string {
  return `site-${site}`;
}

function siteOfAddress(address: string): string {
  return address.includes(':') ? String(SIX.indexOf(address.replace(/1$/, ''))) : (address.split('.')[1] ?? '');
}

const SITES = 4;
const sites = Array.from({ length: SITES }, (_, site) => site);
/** Behind each site; not in the order of the IPv4 networks. */
const SIX = ['fd00:a::', 'fd00:1::', 'fd00:c::', 'fd00:3::'];
const PORTS = [0, 1, 2, 3];
const ADDRESSES = sites.flatMap((site) => [
  `10.${site}.0.0`,
  `10.${site}.0.1`,
  `10.${site}.1.0`,
  SIX[site] ?? '',
  `${SIX[site]}1`,
]);
const ESP = { encryption: 'aes-gcm-16', keyBits: 256, replayWindow: 1024, extendedSequenceNumbers: true } as const;
const IKE = {
  proposals: [
    {
      encryption: 'aes-gcm-16',
      keyBits: 256,
      prf: 'hmac-sha2-384',
      keyExchange: { method: 31, additionalMethods: [36] },
    },
  ],
  childKeyExchange: { method: 31, additionalMethods: [36] },
  ikeLifetimeSeconds: 14_400,
  childLifetimeSeconds: 3600,
  livenessSeconds: 10,
} as const;
