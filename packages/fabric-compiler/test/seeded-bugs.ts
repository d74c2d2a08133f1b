import { addressSet } from '../src/address/address-set.js';
import { type CompiledFabric, compileShared } from '../src/fabric/compile-shared.js';
import type { PeerEntry } from '../src/fabric/peer-section.js';
import type { SpdEntry } from '../src/fabric/spd-entry.js';
import type { FabricIntent, IntentGateway, IntentTopology, Rule } from '../src/intent.js';
import type { FindingKind } from '../src/proof/finding.js';
import { peersAt } from './arbitrary-peers.js';
import { ownersSet, type Which, withBundle, withEntries, withPeer, withPeers, withRoutes } from './mutations.js';
import { siteId, universe } from './small-universe.js';

/** Something that a compiler, an operator or whoever holds the database might do wrong, and what the proof must call it. */
export interface SeededBug {
  readonly name: string;
  readonly expected: FindingKind;
  readonly fabric: () => CompiledFabric;
}

/** Four sites; site s is behind edge 9-s, so that it has the number 3-s among the owners. */
export const HEALTHY_RULES: readonly Rule[] = [
  rule('no-telnet', 'DISCARD', [site(0)], [{ kind: 'any' }], [['tcp', 2]]),
  rule('database', 'PROTECT', [site(0)], [{ kind: 'network', networkId: 'network-1-1' }], [['tcp', 1]]),
  rule('private', 'PROTECT', [site(2)], [site(3)], [['udp', 0, 1]], 'other'),
  rule('web', 'PROTECT', [{ kind: 'any' }], [{ kind: 'any' }], [['tcp', 2, 3]]),
  rule('ping', 'PROTECT', [{ kind: 'any' }], [{ kind: 'group', groupId: 'even' }], [['icmp'], ['icmpv6']]),
];

export function healthyIntent(topology?: IntentTopology): FabricIntent {
  return {
    ...universe(HEALTHY_RULES, topology, undefined),
    policies: [{ id: 'policy', name: 'policy', enabled: true, rules: HEALTHY_RULES }],
    policyTests: [
      policyTest(
        'site 0 reaches the database',
        [site(0)],
        [{ kind: 'network', networkId: 'network-1-1' }],
        1,
        'allowed',
      ),
      policyTest('site 0 reaches nobody by telnet', [site(0)], [{ kind: 'any' }], 2, 'denied'),
    ],
  };
}

export function externalIntent(change: Partial<IntentGateway> = {}): FabricIntent {
  const intent = healthyIntent();
  const [proposal] = intent.profiles?.[0]?.ike.proposals ?? [];
  if (proposal === undefined) throw new Error('the universe has a profile');
  const peer: IntentGateway = {
    id: 'partner',
    name: 'partner',
    address: '203.0.113.99',
    port: 500,
    identity: 'gw.partner.example',
    authentication: {
      kind: 'certificate',
      authority: 'partner CA',
      trusts: ['weft.internal/tenant/tenant'],
    },
    prefixes: ['10.99.0.0/31'],
    admits: ['10.0.0.0/8'],
    ikeProposals: [{ ...proposal, encryption: 'aes-gcm-16' }],
    espProposals: [
      { encryption: 'aes-gcm-16', keyBits: 256, extendedSequenceNumbers: true, keyExchange: proposal.keyExchange },
    ],
    gatewaySiteIds: [siteId(0)],
    ...change,
  };
  const toPartner = rule(
    'partner',
    'PROTECT',
    [site(1)],
    [{ kind: 'external_peer', externalPeerId: 'partner' }],
    [['tcp', 1]],
  );
  return {
    ...intent,
    externalPeers: [peer],
    policies: intent.policies.map((policy) => ({ ...policy, rules: [...policy.rules, toPartner] })),
  };
}

/** Three remote hosts and a gateway that is not ours, all of which site 1 reaches through site 0, and nobody else does. */
export function remoteIntent(): FabricIntent {
  const intent = healthyIntent();
  const toHosts = (['pool-4', 'pool-6'] as const).map((addressPoolId) =>
    rule(addressPoolId, 'PROTECT', [site(1)], [{ kind: 'address_pool', addressPoolId }], [['tcp', 2]]),
  );
  return {
    ...intent,
    ...peersAt(siteId(0), siteId(0)),
    policies: intent.policies.map((policy) => ({ ...policy, rules: [...policy.rules, ...toHosts] })),
  };
}

/** The same sites as hosts in transport mode, each of which reaches the others by web, and nothing more. */
export function hostsIntent(family: 4 | 6 = 4): FabricIntent {
  const { policyTests: _, ...intent } = healthyIntent();
  const edges = intent.edges.map((edge, index) => ({
    ...edge,
    underlayAddress: family === 4 ? `203.0.113.${index + 1}` : `2001:db8::${index + 1}`,
  }));
  return {
    ...intent,
    mode: 'transport',
    edges,
    groups: [],
    networks: edges.map(({ siteId, underlayAddress }) => ({
      id: siteId,
      siteId,
      name: siteId,
      prefix: `${underlayAddress}/${family === 4 ? 32 : 128}`,
    })),
    policies: [{ id: 'policy', name: 'policy', enabled: true, rules: HEALTHY_RULES.filter(({ id }) => id === 'web') }],
  };
}

export const SPOKES: IntentTopology = { kind: 'hub_and_spoke', hubSiteIds: [siteId(0)] };

/** The first network of site 1 stands in the fabric where it stood, and is another one at its site. */
function mapped(): CompiledFabric {
  const intent = healthyIntent();
  const networks = intent.networks.map((network) =>
    network.id === 'network-1-0' ? { ...network, prefix: '192.168.0.0/31', mappedPrefix: network.prefix } : network,
  );
  return compiledOrThrow({ ...intent, networks });
}

/** The edge of site 1 has three uplinks. */
function uplinked(): CompiledFabric {
  const intent = healthyIntent();
  const edges = intent.edges.map((edge) =>
    edge.siteId === siteId(1) ? { ...edge, otherUnderlayAddresses: ['198.51.100.1', '2001:db8:ffff::1'] } : edge,
  );
  return compiledOrThrow({ ...intent, edges });
}

export function compiledOrThrow(intent: FabricIntent): CompiledFabric {
  const result = compileShared(intent);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.fabric;
}

const AH = {
  protocol: 'ah',
  integrity: 'hmac-sha2-256-128',
  replayWindow: 1024,
  extendedSequenceNumbers: true,
} as const;

const inTunnelMode = (profile: PeerEntry['profiles'][number]) => {
  const { mode: _, ...esp } = profile.esp;
  return { ...profile, esp };
};

const mesh = () => compiledOrThrow(healthyIntent());
const star = () => compiledOrThrow(healthyIntent(SPOKES));

/** Numbers of the owners. */
const [S0, S1, S2, S3] = [3, 2, 1, 0] as const;

export const SEEDED_BUGS: readonly SeededBug[] = [
  // SPD entries
  bug('an entry is missing where a flow is opened', 'allowed_is_discarded', () =>
    entries(S0, is('database'), () => []),
  ),
  bug('an entry is missing where a flow is answered', 'allowed_is_discarded', () =>
    entries(S1, is('database'), () => []),
  ),
  bug('PROTECT became DISCARD', 'allowed_is_discarded', () => entries(S1, is('web'), set({ action: 'DISCARD' }))),
  bug('DISCARD became PROTECT', 'denied_is_protected', () => entries(S0, is('no-telnet'), set({ action: 'PROTECT' }))),
  bug('PROTECT became BYPASS', 'cleartext', () => entries(S2, is('web'), set({ action: 'BYPASS' }))),
  bug('DISCARD became BYPASS', 'cleartext', () => entries(S0, is('no-telnet'), set({ action: 'BYPASS' }))),
  bug('the DISCARD entry went behind the PROTECT entry', 'denied_is_protected', () => {
    const moved = found(mesh(), S0, is('no-telnet'));
    const without = entries(S0, is('no-telnet'), () => []);
    return withEntries(without, S0, last('web'), (entry) => [entry, ...moved]);
  }),
  bug('a port range is one port too wide', 'denied_is_protected', () =>
    entries(S0, is('database'), ports('tcp', 0, 1)),
  ),
  bug('a port range is one port too narrow', 'allowed_is_discarded', () => entries(S1, is('web'), ports('tcp', 3, 3))),
  bug('a port range was lost, and so covers all ports', 'denied_is_protected', () =>
    entries(S3, is('web'), ports('tcp')),
  ),
  bug('ports are on the wrong side', 'denied_is_protected', () =>
    entries(S1, is('database'), ({ direction, ...rest }) => [
      { ...rest, direction: direction === 'opens' ? 'answers' : 'opens' },
    ]),
  ),
  bug('TCP became UDP', 'allowed_is_discarded', () => entries(S0, is('database'), ports('udp', 1, 1))),
  bug('a protocol became any', 'denied_is_protected', () =>
    entries(S2, is('ping'), set({ services: { 4: [{ protocol: 'any', ports: [] }], 6: [] } })),
  ),
  bug('the entry for IPv6 is missing', 'allowed_is_discarded', () =>
    entries(S2, is('web'), ({ services, ...rest }) => [{ ...rest, services: { ...services, 6: [] } }]),
  ),
  bug('one site is missing among the remote addresses', 'allowed_is_discarded', () =>
    entries(S3, is('web'), (entry, fabric) => [{ ...entry, remote: ownersSet(fabric, [S0, S1]) }]),
  ),
  bug('one site too many is among the remote addresses', 'denied_is_protected', () =>
    entries(S0, is('database'), (entry, fabric) => [{ ...entry, remote: ownersSet(fabric, [S1, S2]) }]),
  ),
  bug('the local addresses are one network instead of the site', 'allowed_is_discarded', () =>
    entries(S2, is('web'), (entry, fabric) => [{ ...entry, local: network(fabric, S2, 0) }]),
  ),
  bug('the local addresses are the site instead of one network', 'denied_is_protected', () =>
    entries(S1, is('database'), set({ local: 'site' })),
  ),
  bug('the local addresses are those of another network', 'denied_is_protected', () =>
    entries(S1, is('database'), (entry, fabric) => [{ ...entry, local: network(fabric, S1, 0) }]),
  ),
  bug('the local addresses are those of another site', 'foreign_local', () =>
    entries(S1, is('database'), (entry, fabric) => [{ ...entry, local: ownersSet(fabric, [S3]) }]),
  ),
  bug('an entry has another profile', 'wrong_profile', () => entries(S2, is('private'), set({ profileId: '' }))),
  bug('somebody allowed everything at the end', 'denied_is_protected', () =>
    entries(S3, last('ping'), (entry, fabric) => [entry, everything(fabric)]),
  ),
  bug('somebody allowed everything at the beginning', 'denied_is_protected', () =>
    entries(S0, is('no-telnet'), (entry, fabric) => [everything(fabric), entry]),
  ),
  bug('an edge has no SPD at all', 'allowed_is_discarded', () => withBundle(mesh(), S1, () => ({ policies: [] }))),
  bug("two edges have each other's SPD", 'denied_is_protected', () => {
    const fabric = mesh();
    return withBundle(fabric, S3, () => ({ policies: fabric.bundles[S0]?.policies ?? [] }));
  }),

  // Routes
  bug('a route is missing', 'cleartext', () => withRoutes(mesh(), S0, (prefixes) => prefixes.slice(1))),
  bug('an edge has no routes', 'cleartext', () => withRoutes(mesh(), S2, () => [])),
  bug('a route is too narrow', 'cleartext', () =>
    withRoutes(mesh(), S0, (prefixes) => prefixes.map((text) => (text === '10.1.0.0/31' ? '10.1.0.0/32' : text))),
  ),
  bug('the gateway of remote hosts has no route for their address pool', 'cleartext', () =>
    withRoutes(compiledOrThrow(remoteIntent()), S0, (routes) => routes.filter((route) => route !== '10.200.0.0/29')),
  ),
  bug('an edge routes the hosts of a pool into the fabric, and not the rest of it', 'cleartext', () =>
    withRoutes(compiledOrThrow(remoteIntent()), S2, (routes) =>
      routes.map((route) => (route === '10.200.0.0/29' ? '10.200.0.1/32' : route)),
    ),
  ),
  bug('a remote host is assigned the address of another', 'wrong_endpoint', () =>
    withHost('alice', ({ access }) => ({
      access: { addresses: ['10.200.0.2'], nameServers: [], domains: [], ...withoutAddresses(access) },
    })),
  ),
  bug('a remote host is told of another name server', 'wrong_endpoint', () =>
    withHost('bob', ({ access }) => ({
      access: { addresses: [], domains: [], ...access, nameServers: ['192.0.2.53'] },
    })),
  ),
  bug('a remote host is looked for at an address', 'wrong_endpoint', () =>
    withHost('carol', () => ({ remote: { address: '203.0.113.98', port: 4500 } })),
  ),
  bug('packets for one remote host go into the tunnel with another', 'ambiguous_peer', () => {
    const fabric = compiledOrThrow(remoteIntent());
    const { numbers } = fabric.plan.topology;
    const [alice = -1, bob = -1] = [numbers.get('alice'), numbers.get('bob')];
    return withPeer(fabric, S0, bob, () => ({ carries: ownersSet(fabric, [alice]) }));
  }),
  bug('an edge routes its own network into the fabric', 'wrong_route', () =>
    withRoutes(mesh(), S0, (prefixes) => [...prefixes, '10.0.0.0/31']),
  ),
  bug('an edge routes everything into the fabric', 'wrong_route', () =>
    withRoutes(mesh(), S0, (prefixes) => [...prefixes, '0.0.0.0/0']),
  ),

  // Peers
  bug('one end of a tunnel is missing', 'one_sided_peer', () => withPeers(mesh(), S1, without(S0))),
  bug('both ends of a tunnel are missing', 'black_hole', () =>
    withPeers(withPeers(mesh(), S1, without(S0)), S0, without(S1)),
  ),
  bug('a peer may send what belongs to another site', 'ambiguous_peer', () => {
    const fabric = mesh();
    return withPeer(fabric, S1, S0, () => ({ carries: ownersSet(fabric, [S0, S2]) }));
  }),
  bug('a peer is looked for at another address', 'wrong_endpoint', () =>
    withPeer(mesh(), S1, S0, () => ({ remote: { address: '203.0.113.66', port: 4500 } })),
  ),
  bug('a peer is expected to have another identity', 'authentication_failed', () =>
    withPeer(mesh(), S1, S0, ({ identity }) => ({ identity: `${identity}0` })),
  ),
  bug('a peer is expected to be certified by somebody else', 'authentication_failed', () =>
    withPeer(mesh(), S1, S0, () => ({ authentication: { kind: 'certificate', authority: 'evil', trusts: [] } })),
  ),
  bug('the two ends have no key exchange in common', 'no_proposal_chosen', () =>
    withPeer(mesh(), S1, S0, ({ profiles }) => ({
      profiles: profiles.map((profile) => ({
        ...profile,
        ike: {
          ...profile.ike,
          proposals: profile.ike.proposals.map((one) => ({
            ...one,
            keyExchange: { method: 19, additionalMethods: [] },
          })),
        },
      })),
    })),
  ),
  bug('the two ends have no ESP key length in common', 'no_proposal_chosen', () =>
    withPeer(mesh(), S1, S0, ({ profiles }) => ({
      profiles: profiles.map((profile) => ({ ...profile, esp: { ...profile.esp, keyBits: 128 as const } })),
    })),
  ),
  bug('one end has AH where the other has ESP', 'no_proposal_chosen', () =>
    withPeer(mesh(), S1, S0, ({ profiles }) => ({ profiles: profiles.map((profile) => ({ ...profile, esp: AH })) })),
  ),
  bug('one end has transport mode where the other has tunnel mode', 'no_proposal_chosen', () =>
    withPeer(compiledOrThrow(hostsIntent()), S1, S0, ({ profiles }) => ({ profiles: profiles.map(inTunnelMode) })),
  ),
  bug('both ends have tunnel mode where the intent has transport mode', 'wrong_endpoint', () => {
    const tunnel = ({ profiles }: PeerEntry) => ({ profiles: profiles.map(inTunnelMode) });
    return withPeer(withPeer(compiledOrThrow(hostsIntent()), S1, S0, tunnel), S0, S1, tunnel);
  }),
  bug('transport mode carries what is for another host', 'transport_beyond_hosts', () => {
    const fabric = compiledOrThrow(hostsIntent());
    return withPeer(fabric, S1, S0, () => ({ carries: ownersSet(fabric, [S0, S2]) }));
  }),
  bug('transport mode goes to another address than the host has in the fabric', 'transport_beyond_hosts', () =>
    withPeer(compiledOrThrow(hostsIntent()), S1, S0, ({ remote }) => ({
      remote: { port: 4500, ...remote, address: '198.51.100.1' },
    })),
  ),
  bug('transport mode comes from an edge with more than its own address behind it', 'transport_beyond_hosts', () =>
    withBundle(compiledOrThrow(hostsIntent()), S1, ({ localNetworks }) => ({
      localNetworks: [...localNetworks, '10.1.0.0/24'],
    })),
  ),
  bug('a host has no route for another', 'cleartext', () => withRoutes(compiledOrThrow(hostsIntent()), S1, () => [])),
  bug('both ends have AH where the intent has ESP', 'wrong_endpoint', () => {
    const ah = ({ profiles }: PeerEntry) => ({ profiles: profiles.map((profile) => ({ ...profile, esp: AH })) });
    return withPeer(withPeer(mesh(), S1, S0, ah), S0, S1, ah);
  }),
  bug('what is to be confidential goes into AH', 'not_confidential', () => {
    const fabric = compiledOrThrow({ ...healthyIntent(), securityProtocol: 'ah' });
    const policies = fabric.intent.policies.map((policy) => ({ ...policy, confidential: true }));
    return { ...fabric, intent: { ...fabric.intent, policies } };
  }),
  bug('a profile is missing at one end', 'one_sided_peer', () =>
    withPeer(mesh(), S2, S3, ({ profiles }) => ({ profiles: profiles.filter(({ id }) => id !== 'other') })),
  ),

  // The edge itself
  bug('an edge shows another identity', 'authentication_failed', () =>
    withBundle(mesh(), S1, ({ identity }) => ({ identity: `${identity}0` })),
  ),
  bug('an edge has another overlay MTU', 'wrong_endpoint', () =>
    withBundle(mesh(), S1, () => ({ device: { mtu: 1500 } })),
  ),
  bug('an edge has another underlay port', 'wrong_endpoint', () =>
    withBundle(mesh(), S1, ({ underlay }) => ({ underlay: { ...underlay, port: 4501 } })),
  ),
  bug('an edge does not know one of its uplinks', 'wrong_endpoint', () =>
    withBundle(uplinked(), S1, ({ otherUnderlays }) => ({ otherUnderlays: otherUnderlays.slice(1) })),
  ),
  bug('a peer is looked for at its uplinks in another order', 'wrong_endpoint', () =>
    withPeer(uplinked(), S0, S1, ({ otherRemotes }) => ({ otherRemotes: otherRemotes.toReversed() })),
  ),
  bug('a peer is looked for at an uplink of somebody else', 'wrong_endpoint', () =>
    withPeer(uplinked(), S1, S0, () => ({ otherRemotes: [{ address: '198.51.100.1', port: 4500 }] })),
  ),
  bug('a local network is missing', 'wrong_endpoint', () =>
    withBundle(mesh(), S1, ({ localNetworks }) => ({ localNetworks: localNetworks.slice(1) })),
  ),
  bug('a network is mapped that is not', 'wrong_endpoint', () =>
    withBundle(mesh(), S1, () => ({ mappings: [{ local: '192.168.0.0/31', overlay: '10.1.0.0/31' }] })),
  ),
  bug('a network is not mapped that is', 'wrong_endpoint', () => withBundle(mapped(), S1, () => ({ mappings: [] }))),
  bug('a network is mapped to the one beside it', 'wrong_endpoint', () =>
    withBundle(mapped(), S1, ({ mappings }) => ({
      mappings: mappings.map((mapping) => ({ ...mapping, overlay: '10.1.1.0/31' })),
    })),
  ),
  bug('a bundle is for another tenant', 'wrong_endpoint', () => withBundle(mesh(), S1, () => ({ tenantId: 'other' }))),

  // Hub and spoke
  bug('a relay does not pass on what it should', 'allowed_is_discarded', () =>
    withEntries(star(), S0, is('private'), () => [], 'transit'),
  ),
  bug('a relay passes on what nobody allowed', 'denied_is_protected', () =>
    withEntries(star(), S0, is('private'), ports('udp', 0, 2), 'transit'),
  ),
  bug('a relay passes on in the clear', 'cleartext', () =>
    withEntries(star(), S0, is('private'), set({ action: 'BYPASS' }), 'transit'),
  ),
  bug('a relay answers for addresses that it does not relay for', 'foreign_local', () => {
    const fabric = star();
    return withEntries(
      fabric,
      S0,
      is('private'),
      (entry) => [entry, { ...entry, local: ownersSet(fabric, [S0]) }],
      'transit',
    );
  }),
  bug('a relay knows nothing of its duty', 'black_hole', () =>
    withBundle(star(), S0, () => ({ transitDuties: [], transit: [] })),
  ),
  bug("a relay sends a spoke's packets back", 'routing_loop', () => {
    const fabric = star();
    const looped = withPeer(fabric, S0, S2, () => ({ carries: ownersSet(fabric, [S2, S3]) }));
    return withPeers(looped, S0, without(S3));
  }),
  bug('a spoke does not send to its hub what is for another spoke', 'black_hole', () => {
    const fabric = star();
    return withPeer(fabric, S2, S0, () => ({ carries: ownersSet(fabric, [S0, S1]) }));
  }),

  // What the operator wrote
  bug('a rule was deleted after compiling', 'denied_is_protected', () => proven(({ ruleId }) => ruleId !== 'database')),
  bug('a rule is behind one that takes all its packets', 'shadowed_rule', () =>
    withRule(rule('late', 'DISCARD', [site(1)], [site(2)], [['tcp', 3]])),
  ),
  bug('a rule is behind two that together take all its packets', 'shadowed_rule', () =>
    withRule(rule('late', 'DISCARD', [site(0)], [site(1)], [['tcp', 2, 3]])),
  ),
  bug('what must be allowed is not', 'policy_test_failed', () =>
    compiledOrThrow({
      ...healthyIntent(),
      policyTests: [policyTest('udp', [site(0)], [site(1)], 1, 'allowed', 'udp')],
    }),
  ),
  bug('what must be denied is not', 'policy_test_failed', () =>
    compiledOrThrow({
      ...healthyIntent(),
      policyTests: [policyTest('web', [site(1)], [{ kind: 'any' }], 3, 'denied')],
    }),
  ),
  bug('a policy test names a site that is gone', 'policy_test_failed', () =>
    compiledOrThrow({ ...healthyIntent(), policyTests: [policyTest('gone', [site(8)], [site(1)], 3, 'denied')] }),
  ),
  bug('the topology has no way for what is allowed', 'black_hole', () =>
    compiledOrThrow(
      healthyIntent({
        kind: 'partial_mesh',
        meshes: [
          [siteId(0), siteId(1)],
          [siteId(2), siteId(3)],
        ],
      }),
    ),
  ),

  // External peers
  bug('an external peer accepts no IKE proposal of ours', 'no_proposal_chosen', () =>
    compiledOrThrow(
      externalIntent({
        ikeProposals: [
          {
            encryption: 'aes-gcm-16',
            keyBits: 256,
            prf: 'hmac-sha2-256',
            keyExchange: { method: 19, additionalMethods: [] },
          },
        ],
      }),
    ),
  ),
  bug('an external peer accepts no ESP proposal of ours', 'no_proposal_chosen', () =>
    compiledOrThrow(externalIntent({ espProposals: [] })),
  ),
  bug('an external peer expects another identity of us', 'authentication_failed', () =>
    compiledOrThrow(externalIntent({ expectedIdentity: 'somebody' })),
  ),
  bug('an external peer does not trust our authority', 'authentication_failed', () =>
    compiledOrThrow(
      externalIntent({ authentication: { kind: 'certificate', authority: 'partner CA', trusts: ['other'] } }),
    ),
  ),
  bug('an external peer admits none of our networks', 'ts_unacceptable', () =>
    compiledOrThrow(externalIntent({ admits: ['172.16.0.0/12'] })),
  ),
];

function bug(name: string, expected: FindingKind, fabric: () => CompiledFabric): SeededBug {
  return { name, expected, fabric };
}

function entries(
  edge: number,
  which: Which,
  edit: (entry: SpdEntry, fabric: CompiledFabric) => readonly SpdEntry[],
): CompiledFabric {
  const fabric = mesh();
  return withEntries(fabric, edge, which, (entry) => edit(entry, fabric));
}

function found(fabric: CompiledFabric, edge: number, which: Which): readonly SpdEntry[] {
  return (fabric.bundles[edge]?.policies ?? []).flatMap((section) => section.entries).filter(which);
}

function is(ruleId: string): Which {
  return (entry) => entry.ruleId === ruleId;
}

/** The last entry of a rule. */
function last(ruleId: string): Which {
  return (entry) => entry.ruleId === ruleId && (entry.direction === 'answers' || ruleId === 'ping');
}

function set(change: Partial<SpdEntry>): (entry: SpdEntry) => readonly SpdEntry[] {
  return (entry) => [{ ...entry, ...change }];
}

function ports(name: 'tcp' | 'udp', ...[from, to]: readonly number[]): (entry: SpdEntry) => readonly SpdEntry[] {
  const range = from === undefined || to === undefined ? [] : [{ first: from, last: to }];
  const services = [{ protocol: name === 'tcp' ? 6 : 17, ports: range }];
  return set({ services: { 4: services, 6: services } });
}

function everything({ plan }: CompiledFabric): SpdEntry {
  const services = [{ protocol: 'any', ports: [] }] as const;
  return {
    ruleId: 'nobody',
    action: 'PROTECT',
    profileId: '',
    local: 'site',
    remote: plan.topology.everySite,
    services: { 4: services, 6: services },
    direction: 'opens',
  };
}

function network({ plan }: CompiledFabric, owner: number, nth: number) {
  const range = plan.topology.owners[owner]?.prefixes[nth]?.range;
  if (range === undefined) throw new Error(`owner ${owner} has no network ${nth}`);
  return addressSet([[owner, { 4: [range], 6: [] }]], plan.topology.ownership);
}

function without(owner: number) {
  return <Peer extends { readonly owner: number }>(peers: readonly Peer[]) =>
    peers.filter((peer) => peer.owner !== owner);
}

/** The bundles of all rules, held against some of them. */
function proven(keep: (rule: { readonly ruleId: string }) => boolean): CompiledFabric {
  const fabric = mesh();
  const rules = fabric.rules.filter(keep);
  return { ...fabric, rules, blocks: [{ rules, sections: [] }] };
}

function withRule(added: Rule): CompiledFabric {
  const intent = healthyIntent();
  return compiledOrThrow({
    ...intent,
    policies: intent.policies.map((policy) => ({ ...policy, rules: [...policy.rules, added] })),
  });
}

function withHost(id: string, change: (peer: PeerEntry) => Partial<PeerEntry>): CompiledFabric {
  const fabric = compiledOrThrow(remoteIntent());
  return withPeer(fabric, S0, fabric.plan.topology.numbers.get(id) ?? -1, change);
}

function withoutAddresses(access: PeerEntry['access']): Partial<NonNullable<PeerEntry['access']>> {
  const { addresses: _, ...rest } = access ?? { addresses: [] };
  return rest;
}

function site(number: number) {
  return { kind: 'site', siteId: siteId(number) } as const;
}

type ServiceText = readonly ['tcp' | 'udp' | 'icmp' | 'icmpv6', number?, number?];

function rule(
  id: string,
  action: Rule['action'],
  sources: Rule['sources'],
  destinations: Rule['destinations'],
  services: readonly ServiceText[],
  profileId?: string,
): Rule {
  return {
    id,
    name: id,
    action,
    sources,
    destinations,
    services: services.map(([protocol, first, end]) => ({
      protocol,
      ports: first === undefined ? [] : [{ first, last: end ?? first }],
    })),
    ...(profileId === undefined ? {} : { profileId }),
  };
}

function policyTest(
  name: string,
  sources: Rule['sources'],
  destinations: Rule['destinations'],
  port: number,
  expect: 'allowed' | 'denied',
  protocol: 'tcp' | 'udp' = 'tcp',
) {
  return {
    id: name,
    name,
    sources,
    destinations,
    services: [{ protocol, ports: [{ first: port, last: port }] }],
    expect,
  };
}
