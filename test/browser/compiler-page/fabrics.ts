import type { FabricIntent, IntentTopology, Rule } from '@weft/fabric-compiler';

/** Fabrics of every kind of topology, with what else intents can say. */
export const FABRICS: readonly (readonly [name: string, intent: FabricIntent])[] = [
  ['a full mesh, with groups and named services', fabric(6)],
  ['hubs and their spokes', fabric(9, { topology: hubAndSpoke() })],
  ['meshes that share a site', fabric(7, { topology: { kind: 'partial_mesh', meshes: [sites(0, 4), sites(3, 7)] } })],
  ['links, and a relay', fabric(5, { topology: links(), keyingMode: 'controller-blind' })],
  ['AH between edges', fabric(4, { securityProtocol: 'ah' })],
  ['keys of the controller, directly on IP', fabric(4, { keyingMode: 'ike-less', encapsulation: 'none' })],
  ['one that is refused', fabric(3, { networks: [] })],
];

function fabric(size: number, more: Partial<FabricIntent> = {}): FabricIntent {
  const numbers = Array.from({ length: size }, (_, number) => number);
  return {
    tenantId: uuid(0xf0, 0),
    keyingMode: 'ikev2',
    sites: numbers.map((number) => ({
      id: siteId(number),
      name: `site ${number}`,
      labels: { parity: `${number % 2}` },
    })),
    networks: numbers.flatMap((number) => [
      { id: uuid(0xa0, number), siteId: siteId(number), name: 'four', prefix: `10.${number}.0.0/16`, labels: {} },
      {
        id: uuid(0xa1, number),
        siteId: siteId(number),
        name: 'six',
        prefix: `fd00:${number}::/48`,
        labels: { v: '6' },
      },
    ]),
    edges: numbers.map((number) => ({
      id: uuid(0xe0, size - number),
      siteId: siteId(number),
      name: `edge ${number}`,
      underlayAddress: `203.0.113.${number + 1}`,
      underlayPort: 4500,
    })),
    groups: [{ id: uuid(0xb0, 0), name: 'even', members: [{ kind: 'site_labels', labels: { parity: '0' } }] }],
    services: [{ id: uuid(0xc0, 0), name: 'web', services: [{ protocol: 'tcp', ports: [{ first: 80, last: 443 }] }] }],
    policies: [{ id: uuid(0xd0, 0), name: 'policy', enabled: true, rules: rules() }],
    ...more,
  };
}

function rules(): readonly Rule[] {
  const even = [{ kind: 'group', groupId: uuid(0xb0, 0) }] as const;
  const any = [{ kind: 'any' }] as const;
  const all = [{ protocol: 'any', ports: [] }] as const;
  return [
    {
      id: uuid(0xd1, 0),
      name: 'no web',
      action: 'DISCARD',
      sources: any,
      destinations: even,
      services: [],
      serviceIds: [uuid(0xc0, 0)],
    },
    {
      id: uuid(0xd1, 1),
      name: 'one',
      action: 'PROTECT',
      sources: [{ kind: 'prefix', prefix: '10.1.2.0/24' }],
      destinations: any,
      services: all,
    },
    { id: uuid(0xd1, 2), name: 'all', action: 'PROTECT', sources: any, destinations: any, services: all },
  ];
}

function hubAndSpoke(): IntentTopology {
  return {
    kind: 'hub_and_spoke',
    hubSiteIds: sites(0, 2),
    homes: [{ siteId: siteId(5), hubSiteId: siteId(1) }],
  };
}

function links(): IntentTopology {
  const pairs = [
    [0, 1],
    [1, 2],
    [2, 3],
    [1, 4],
  ] as const;
  return {
    kind: 'custom_links',
    links: pairs.map(([one, other]) => ({ siteIds: [siteId(one), siteId(other)] })),
    relaySiteIds: sites(1, 3),
  };
}

function sites(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => siteId(from + index));
}

function siteId(number: number): string {
  return uuid(0x50, number);
}

function uuid(kind: number, number: number): string {
  return `00000000-0000-4000-80${kind.toString(16)}-${number.toString(16).padStart(12, '0')}`;
}
