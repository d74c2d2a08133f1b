import { describe, expect, it } from 'vitest';
import { compileFabric } from '../test/compile-fabric.js';
import { compileShared } from './fabric/compile-shared.js';
import type { FabricIntent, IntentEdge, IntentGateway, IntentNetwork, Rule } from './intent.js';
import type { ProblemRule } from './problem.js';

const BASE: FabricIntent = {
  tenantId: 'tenant',
  sites: [
    { id: 'paris', name: 'Paris' },
    { id: 'tokyo', name: 'Tokyo' },
    { id: 'empty', name: 'Empty' },
  ],
  networks: [
    { id: 'paris-lan', siteId: 'paris', name: 'Paris LAN', prefix: '10.1.0.0/16' },
    { id: 'paris-v6', siteId: 'paris', name: 'Paris v6', prefix: '2001:db8:1::/48' },
    { id: 'tokyo-lan', siteId: 'tokyo', name: 'Tokyo LAN', prefix: '10.2.0.0/16' },
  ],
  edges: [
    { id: 'e-paris', siteId: 'paris', name: 'paris-1', underlayAddress: '203.0.113.1', underlayPort: 4500 },
    { id: 'e-tokyo', siteId: 'tokyo', name: 'tokyo-1', underlayAddress: '203.0.113.2', underlayPort: 4500 },
  ],
  policies: [{ id: 'p', name: 'p', enabled: true, rules: [rule({})] }],
};

const AH = { securityProtocol: 'ah', keyingMode: 'ikev2' } as const;

/** Each site is one host, in transport mode. */
function hosts(change: Partial<FabricIntent> = {}): FabricIntent {
  const bySite = new Map(BASE.edges.map(({ siteId, underlayAddress }) => [siteId, `${underlayAddress}/32`]));
  const networks = BASE.networks
    .filter(({ siteId }, index, all) => all.findIndex((one) => one.siteId === siteId) === index)
    .map((network) => ({ ...network, prefix: bySite.get(network.siteId) ?? network.prefix }));
  return { ...BASE, networks, policies: [], keyingMode: 'ikev2', mode: 'transport', ...change };
}

const PARTNER: IntentGateway = {
  id: 'partner',
  name: 'partner',
  address: '203.0.113.99',
  port: 500,
  identity: 'gw.partner.example',
  authentication: { kind: 'pre_shared_key', commitment: '00'.repeat(32) },
  prefixes: ['10.99.0.0/24'],
  admits: [],
  ikeProposals: [],
  espProposals: [],
  gatewaySiteIds: ['paris'],
};

describe('problems of an intent', () => {
  it('are none for the base of this table', () => {
    expect(compileFabric(BASE).ok).toBe(true);
    expect(compileFabric(hosts()).ok).toBe(true);
  });

  it('name topologies in which somebody passes packets on, in transport mode', () => {
    for (const topology of [
      { kind: 'hub_and_spoke', hubSiteIds: ['paris'] },
      { kind: 'custom_links', links: [{ siteIds: ['paris', 'tokyo'] }], relaySiteIds: ['paris'] },
    ] as const) {
      const result = compileShared(hosts({ topology }));
      expect(result.ok ? [] : result.problems).toMatchObject([
        { pointer: '/topology', rule: 'transport_through_relay' },
      ]);
    }
    for (const topology of [
      { kind: 'partial_mesh', meshes: [['paris', 'tokyo']] },
      { kind: 'custom_links', links: [{ siteIds: ['paris', 'tokyo'] }], relaySiteIds: [] },
    ] as const) {
      expect(compileShared(hosts({ topology }))).toMatchObject({ ok: true });
    }
  });

  it('name the host that has the address of another, and the other, in transport mode', () => {
    const [paris] = hosts().networks;
    const result = compileFabric(hosts({ networks: paris === undefined ? [] : [{ ...paris, siteId: 'tokyo' }] }));
    expect(result.ok ? [] : result.problems).toMatchObject([
      { pointer: '/edges/0/underlayAddress', rule: 'underlay_inside_overlay' },
      { pointer: '/networks/0/prefix', rule: 'transport_beyond_host' },
    ]);
  });

  it.each<[string, FabricIntent, string, ProblemRule]>([
    [
      'two sites with one id',
      { ...BASE, sites: [...BASE.sites, { id: 'paris', name: 'x' }] },
      '/sites/3/id',
      'duplicate_id',
    ],
    ['two rules with one id', withRules(rule({}), rule({})), '/policies/0/rules/1/id', 'duplicate_id'],
    [
      'two policies with one id',
      { ...BASE, policies: [...BASE.policies, { id: 'p', name: 'q', enabled: false, rules: [] }] },
      '/policies/1/id',
      'duplicate_id',
    ],
    ['a network of no site', withNetwork({ siteId: 'rome' }), '/networks/3/siteId', 'unknown_site'],
    ['a network without a prefix', withNetwork({ prefix: '10.9.0.0' }), '/networks/3/prefix', 'invalid_prefix'],
    ['a prefix that is too long', withNetwork({ prefix: '10.9.0.0/33' }), '/networks/3/prefix', 'invalid_prefix'],
    ['octets with leading zeros', withNetwork({ prefix: '10.09.0.0/16' }), '/networks/3/prefix', 'invalid_prefix'],
    ['host bits', withNetwork({ prefix: '10.9.1.0/16' }), '/networks/3/prefix', 'host_bits'],
    ['a loopback network', withNetwork({ prefix: '127.1.0.0/16' }), '/networks/3/prefix', 'unusable_prefix'],
    ['a multicast network', withNetwork({ prefix: 'ff05::/16' }), '/networks/3/prefix', 'unusable_prefix'],
    ['a default route', withNetwork({ prefix: '0.0.0.0/0' }), '/networks/3/prefix', 'unusable_prefix'],
    ['a network inside another', withNetwork({ prefix: '10.1.2.0/24' }), '/networks/3/prefix', 'overlapping_networks'],
    ['a network around another', withNetwork({ prefix: '10.2.0.0/15' }), '/networks/3/prefix', 'overlapping_networks'],
    ['an edge of no site', withEdge({ siteId: 'rome' }), '/edges/2/siteId', 'unknown_site'],
    [
      'AH with keys of the controller',
      { ...BASE, securityProtocol: 'ah', keyingMode: 'ike-less' },
      '/keyingMode',
      'ah_without_negotiation',
    ],
    [
      'AH with keys that the controller relays',
      { ...BASE, securityProtocol: 'ah', keyingMode: 'controller-blind' },
      '/keyingMode',
      'ah_without_negotiation',
    ],
    [
      'AH at a site with two edges',
      { ...withEdge({ siteId: 'tokyo', preference: 2 }), ...AH },
      '/edges/2',
      'ah_with_several_edges',
    ],
    [
      'AH to two edges behind one address',
      { ...withEdge({ underlayAddress: '203.0.113.2', underlayPort: 4501 }), ...AH },
      '/edges/1/underlayAddress',
      'ah_behind_nat',
    ],
    [
      'AH and a policy that asks for confidentiality',
      { ...BASE, ...AH, policies: BASE.policies.map((policy) => ({ ...policy, confidential: true })) },
      '/policies/0/confidential',
      'ah_is_not_confidential',
    ],
    [
      'transport mode with keys of the controller',
      hosts({ keyingMode: 'ike-less' }),
      '/keyingMode',
      'transport_without_negotiation',
    ],
    [
      'transport mode with keys that the controller relays',
      hosts({ keyingMode: 'controller-blind' }),
      '/keyingMode',
      'transport_without_negotiation',
    ],
    [
      'transport mode and a gateway that is not ours',
      hosts({ externalPeers: [PARTNER] }),
      '/externalPeers/0',
      'transport_to_external_peer',
    ],
    [
      'transport mode at a site with two edges',
      hosts({ edges: withEdge({ siteId: 'tokyo', preference: 2 }).edges }),
      '/edges/2',
      'transport_with_several_edges',
    ],
    [
      'transport mode to two edges behind one address',
      hosts({ edges: withEdge({ underlayAddress: '203.0.113.2', underlayPort: 4501 }).edges }),
      '/edges/2/underlayAddress',
      'underlay_inside_overlay',
    ],
    [
      'transport mode and a network behind a host',
      hosts({ networks: [...hosts().networks, { id: 'n', siteId: 'tokyo', name: 'n', prefix: '10.9.0.0/16' }] }),
      '/networks/2/prefix',
      'transport_beyond_host',
    ],
    [
      'transport mode and a neighbour of a host',
      hosts({ networks: [...hosts().networks, { id: 'n', siteId: 'tokyo', name: 'n', prefix: '203.0.113.9/32' }] }),
      '/networks/2/prefix',
      'transport_beyond_host',
    ],
    [
      'transport mode and remote users',
      hosts({ addressPools: [{ id: 'pool', siteId: 'tokyo', name: 'pool', prefix: '10.9.0.0/24' }] }),
      '/addressPools/0/prefix',
      'transport_beyond_host',
    ],
    [
      'a host name as address',
      withEdge({ underlayAddress: 'gw.example.net' }),
      '/edges/2/underlayAddress',
      'invalid_address',
    ],
    ['the unspecified address', withEdge({ underlayAddress: '::' }), '/edges/2/underlayAddress', 'unusable_address'],
    ['port 0', withEdge({ underlayPort: 0 }), '/edges/2/underlayPort', 'invalid_port'],
    ['a port that is no integer', withEdge({ underlayPort: 4500.5 }), '/edges/2/underlayPort', 'invalid_port'],
    [
      'one endpoint twice',
      withEdge({ underlayAddress: '203.0.113.2' }),
      '/edges/2/underlayAddress',
      'duplicate_endpoint',
    ],
    [
      'two edges of a site that are both the preferred one',
      withEdge({ siteId: 'tokyo' }),
      '/edges/2/preference',
      'duplicate_preference',
    ],
    ['a preference of 0', withEdge({ preference: 0 }), '/edges/2/preference', 'invalid_preference'],
    ['a preference that is no integer', withEdge({ preference: 1.5 }), '/edges/2/preference', 'invalid_preference'],
    [
      'an underlay address in the overlay',
      withEdge({ underlayAddress: '10.2.0.7' }),
      '/edges/2/underlayAddress',
      'underlay_inside_overlay',
    ],
    [
      'an uplink in the overlay',
      withUplinks('198.51.100.1', '10.2.0.7'),
      '/edges/2/otherUnderlayAddresses/1',
      'underlay_inside_overlay',
    ],
    ['an uplink without an address', withUplinks(''), '/edges/2/otherUnderlayAddresses/0', 'invalid_address'],
    ['an uplink that is a group', withUplinks('ff05::1'), '/edges/2/otherUnderlayAddresses/0', 'unusable_address'],
    [
      'an uplink twice, in two spellings',
      withUplinks('2001:db8:ff::1', '2001:DB8:FF:0::1'),
      '/edges/2/otherUnderlayAddresses/1',
      'duplicate_endpoint',
    ],
    [
      'an uplink that is the preferred one',
      withUplinks('203.0.113.3'),
      '/edges/2/otherUnderlayAddresses/0',
      'duplicate_endpoint',
    ],
    [
      'an uplink of another edge',
      withUplinks('198.51.100.1', '203.0.113.1'),
      '/edges/2/otherUnderlayAddresses/1',
      'duplicate_endpoint',
    ],
    [
      'more uplinks than anybody has',
      withUplinks(...[1, 2, 3, 4, 5].map((last) => `198.51.100.${last}`)),
      '/edges/2/otherUnderlayAddresses',
      'too_many_uplinks',
    ],
    [
      'several uplinks and keys of the controller',
      { ...withUplinks('198.51.100.1'), keyingMode: 'ike-less' },
      '/edges/2/otherUnderlayAddresses',
      'uplinks_without_negotiation',
    ],
    [
      'several uplinks and keys that the controller relays',
      { ...withUplinks('198.51.100.1'), keyingMode: 'controller-blind' },
      '/edges/2/otherUnderlayAddresses',
      'uplinks_without_negotiation',
    ],
    [
      'several uplinks and ESP directly on IP',
      { ...withUplinks('198.51.100.1'), encapsulation: 'none' },
      '/edges/2/otherUnderlayAddresses',
      'uplinks_without_udp',
    ],
    [
      'several uplinks and AH',
      { ...withUplinks('198.51.100.1'), ...AH },
      '/edges/2/otherUnderlayAddresses',
      'uplinks_without_udp',
    ],
    [
      'several uplinks of a host in transport mode',
      hosts({ edges: withUplinks('198.51.100.1').edges }),
      '/edges/2/otherUnderlayAddresses',
      'uplinks_in_transport_mode',
    ],
    ['no sources', withRules(rule({ sources: [] })), '/policies/0/rules/0/sources', 'empty_list'],
    ['no services', withRules(rule({ services: [] })), '/policies/0/rules/0/services', 'empty_list'],
    [
      'an unknown site',
      withRules(rule({ sources: [{ kind: 'site', siteId: 'rome' }] })),
      '/policies/0/rules/0/sources/0/siteId',
      'unknown_site',
    ],
    [
      'an unknown network',
      withRules(rule({ destinations: [{ kind: 'network', networkId: 'x' }] })),
      '/policies/0/rules/0/destinations/0/networkId',
      'unknown_network',
    ],
    [
      'a selector with host bits',
      withRules(rule({ sources: [{ kind: 'prefix', prefix: '10.1.1.1/24' }] })),
      '/policies/0/rules/0/sources/0/prefix',
      'host_bits',
    ],
    [
      'a prefix outside every site',
      withRules(rule({ sources: [{ kind: 'prefix', prefix: '192.168.0.0/24' }] })),
      '/policies/0/rules/0/sources/0/prefix',
      'matches_no_network',
    ],
    [
      'a site without networks',
      withRules(rule({ destinations: [{ kind: 'site', siteId: 'empty' }] })),
      '/policies/0/rules/0/destinations/0/siteId',
      'matches_no_network',
    ],
    [
      'IPv6 to IPv4',
      withRules(rule({ sources: [{ kind: 'network', networkId: 'paris-v6' }] })),
      '/policies/0/rules/0/destinations',
      'family_mismatch',
    ],
    [
      'ICMPv6 over IPv4',
      withRules(rule({ services: [{ protocol: 'icmpv6', ports: [] }] })),
      '/policies/0/rules/0/services',
      'family_mismatch',
    ],
    [
      'traffic inside a site',
      withRules(rule({ destinations: [{ kind: 'site', siteId: 'paris' }] })),
      '/policies/0/rules/0/destinations',
      'within_one_site',
    ],
    ['BYPASS', withRules(rule({ action: 'BYPASS' })), '/policies/0/rules/0/action', 'bypass_between_sites'],
    [
      'ports of ICMP',
      withRules(rule({ services: [{ protocol: 'icmp', ports: [{ first: 1, last: 2 }] }] })),
      '/policies/0/rules/0/services/0/ports',
      'ports_without_protocol',
    ],
    [
      'ports upside down',
      withRules(rule({ services: [{ protocol: 'tcp', ports: [{ first: 2, last: 1 }] }] })),
      '/policies/0/rules/0/services/0/ports/0',
      'invalid_port_range',
    ],
    [
      'a port above the last',
      withRules(rule({ services: [{ protocol: 'udp', ports: [{ first: 1, last: 65536 }] }] })),
      '/policies/0/rules/0/services/0/ports/0',
      'invalid_port_range',
    ],
    [
      'a tunnel between IP versions',
      {
        ...BASE,
        edges: BASE.edges.map((edge, index) => (index === 1 ? { ...edge, underlayAddress: '2001:db8:ffff::2' } : edge)),
      },
      '/edges/1/underlayAddress',
      'underlay_family_mismatch',
    ],
  ])('name %s by pointer and rule', (_, intent, pointer, expected) => {
    const result = compileFabric(intent);
    expect(result.ok ? [] : result.problems.map((problem) => [problem.pointer, problem.rule])).toEqual([
      [pointer, expected],
    ]);
    if (result.ok) return;
    for (const { detail, fix } of result.problems) {
      expect(detail).toMatch(/^.{10,}\.$/);
      expect(fix).toMatch(/^.{10,}\.$/);
    }
  });

  it('are reported all at once', () => {
    const result = compileFabric({
      ...withRules(rule({ action: 'BYPASS' }), rule({ id: 'r2', sources: [] })),
      networks: [{ id: 'n', siteId: 'paris', name: 'n', prefix: 'x' }],
    });
    expect(result.ok ? [] : result.problems.map((problem) => problem.rule)).toEqual(
      expect.arrayContaining(['invalid_prefix', 'bypass_between_sites', 'empty_list']),
    );
  });

  it('do not come from disabled policies and rules', () => {
    const broken = rule({ action: 'BYPASS' });
    expect(compileFabric(withRules({ ...broken, enabled: false })).ok).toBe(true);
    expect(compileFabric({ ...BASE, policies: [{ id: 'p', name: 'p', enabled: false, rules: [broken] }] }).ok).toBe(
      true,
    );
  });

  it('do not come from a rule about any site that waits for sites to come', () => {
    const any = rule({ sources: [{ kind: 'any' }], destinations: [{ kind: 'any' }] });
    expect(compileFabric({ ...withRules(any), sites: [], networks: [], edges: [] }).ok).toBe(true);
  });
});

function rule(change: Partial<Rule>): Rule {
  return {
    id: 'r',
    name: 'r',
    action: 'PROTECT',
    sources: [{ kind: 'site', siteId: 'paris' }],
    destinations: [{ kind: 'site', siteId: 'tokyo' }],
    services: [{ protocol: 'any', ports: [] }],
    ...change,
  };
}

function withRules(...rules: Rule[]): FabricIntent {
  return { ...BASE, policies: [{ id: 'p', name: 'p', enabled: true, rules }] };
}

function withNetwork(change: Partial<IntentNetwork>): FabricIntent {
  const network = { id: 'n', siteId: 'empty', name: 'n', prefix: '10.9.0.0/16', ...change };
  return { ...BASE, networks: [...BASE.networks, network] };
}

/** Of an edge of its own, among edges that negotiate. */
function withUplinks(...otherUnderlayAddresses: string[]): FabricIntent {
  return { ...withEdge({ otherUnderlayAddresses }), keyingMode: 'ikev2' };
}

function withEdge(change: Partial<IntentEdge>): FabricIntent {
  const edge = { id: 'e', siteId: 'empty', name: 'e', underlayAddress: '203.0.113.3', underlayPort: 4500, ...change };
  return { ...BASE, edges: [...BASE.edges, edge] };
}
