import {
  type Bundle,
  Encapsulation,
  EncryptionAlgorithm,
  IntegrityAlgorithm,
  IpsecMode,
  KeyingMode,
  type Profile,
  SecurityPolicyAction,
  SecurityProtocol,
} from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { externalBundle, PRE_SHARED_KEY } from '../../../test/support/external-bundle.js';
import { negotiatedBundle } from '../../../test/support/negotiated-bundle.js';
import {
  AH_PROFILE,
  PEER_ID,
  PROFILE,
  TRANSPORT_PROFILE,
  TUNNEL_ID,
  testBundle,
} from '../../../test/support/test-bundle.js';
import { parseBundle } from './parse-bundle.js';
import { siteNetworks } from './parse-network-mappings.js';

const BLIND = { softLifetimeSeconds: 3600, hardLifetimeSeconds: 7200, revokedSerials: [Buffer.of(0, 0x4f)] };

const OTHER_ID = '77777777-7777-4777-8777-777777777777';
const GROUP_ID = '88888888-8888-4888-8888-888888888888';

/** [what, how to spoil a good bundle, path, rule] */
const SPOILED: readonly [string, (bundle: Bundle) => void, string, string][] = [
  ['no device', (b) => delete b.device, 'device', 'missing_field'],
  ['an MTU too small for IPv6', (b) => (b.device!.mtu = 1279), 'device.mtu', 'out_of_range'],
  ['an MTU too large', (b) => (b.device!.mtu = 65_536), 'device.mtu', 'out_of_range'],
  ['no underlay', (b) => delete b.underlay, 'underlay', 'missing_field'],
  ['no underlay address', (b) => (b.underlay!.address = 'berlin'), 'underlay.address', 'bad_address'],
  ['an address with leading zeros', (b) => (b.underlay!.address = '192.0.02.1'), 'underlay.address', 'bad_address'],
  ['underlay port 0', (b) => (b.underlay!.port = 0), 'underlay.port', 'out_of_range'],
  ['underlay port 65536', (b) => (b.underlay!.port = 65_536), 'underlay.port', 'out_of_range'],
  ['a tunnel without UUID', (b) => (b.tunnels[0]!.tunnelId = 'x'), 'tunnels[0].tunnel_id', 'bad_identifier'],
  [
    'a tunnel twice',
    (b) => b.tunnels.push({ ...b.tunnels[0]!, peerEdgeId: TUNNEL_ID }),
    'tunnels[1].tunnel_id',
    'duplicate',
  ],
  [
    'a peer twice',
    (b) => b.tunnels.push({ ...b.tunnels[0]!, tunnelId: PEER_ID }),
    'tunnels[1].peer_edge_id',
    'duplicate',
  ],
  ['a nameless peer', (b) => (b.tunnels[0]!.peerName = ''), 'tunnels[0].peer_name', 'bad_identifier'],
  [
    'a peer named with a line break',
    (b) => (b.tunnels[0]!.peerName = 'a\nb'),
    'tunnels[0].peer_name',
    'bad_identifier',
  ],
  ['a remote nowhere', (b) => (b.tunnels[0]!.remote!.address = '0.0.0.0'), 'tunnels[0].remote.address', 'bad_address'],
  [
    'a multicast remote',
    (b) => (b.tunnels[0]!.remote!.address = 'ff02::1'),
    'tunnels[0].remote.address',
    'bad_address',
  ],
  [
    'a keying mode to come',
    (b) => (b.tunnels[0]!.keyingMode = 9 as KeyingMode),
    'tunnels[0].keying_mode',
    'unsupported_value',
  ],
  [
    'relayed key shares without lifetimes',
    (b) => (b.tunnels[0]!.keyingMode = KeyingMode.KEYING_MODE_CONTROLLER_BLIND),
    'tunnels[0].controller_blind',
    'missing_field',
  ],
  [
    'lifetimes of key shares where none are relayed',
    (b) => (b.tunnels[0]!.controllerBlind = BLIND),
    'tunnels[0].controller_blind',
    'unexpected_value',
  ],
  [
    'keys that end before they are replaced',
    (b) =>
      Object.assign(b.tunnels[0]!, {
        keyingMode: KeyingMode.KEYING_MODE_CONTROLLER_BLIND,
        controllerBlind: { ...BLIND, hardLifetimeSeconds: 3600 },
      }),
    'tunnels[0].controller_blind.hard_lifetime_seconds',
    'out_of_range',
  ],
  [
    'AH with relayed key shares',
    (b) =>
      Object.assign(b.tunnels[0]!, {
        keyingMode: KeyingMode.KEYING_MODE_CONTROLLER_BLIND,
        controllerBlind: BLIND,
        profile: { ...AH_PROFILE },
      }),
    'tunnels[0].profile.protocol',
    'unsupported_value',
  ],
  [
    'an integrity algorithm beside AES-GCM',
    (b) => (b.tunnels[0]!.profile!.integrity = IntegrityAlgorithm.INTEGRITY_ALGORITHM_HMAC_SHA2_256_128),
    'tunnels[0].profile.integrity',
    'unexpected_value',
  ],
  ['no profile', (b) => delete b.tunnels[0]!.profile, 'tunnels[0].profile', 'missing_field'],
  [
    'an unknown algorithm',
    (b) => (b.tunnels[0]!.profile!.encryption = 12 as never),
    'tunnels[0].profile.encryption',
    'unsupported_value',
  ],
  [
    'ChaCha20 with a key of 128 bits',
    (b) =>
      Object.assign(b.tunnels[0]!.profile!, {
        encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_CHACHA20_POLY1305,
        keyBits: 128,
      }),
    'tunnels[0].profile.key_bits',
    'unsupported_value',
  ],
  [
    'a key of 255 bits',
    (b) => (b.tunnels[0]!.profile!.keyBits = 255),
    'tunnels[0].profile.key_bits',
    'unsupported_value',
  ],
  [
    'no replay window',
    (b) => (b.tunnels[0]!.profile!.replayWindow = 0),
    'tunnels[0].profile.replay_window',
    'out_of_range',
  ],
  [
    'an encapsulation to come',
    (b) => (b.tunnels[0]!.profile!.encapsulation = 2 as never),
    'tunnels[0].profile.encapsulation',
    'unsupported_value',
  ],
  [
    'an encapsulation that says nothing',
    (b) => (b.tunnels[0]!.profile!.encapsulation = Encapsulation.ENCAPSULATION_UNSPECIFIED),
    'tunnels[0].profile.encapsulation',
    'unsupported_value',
  ],
  [
    'ESP directly on IP from anywhere',
    (b) => {
      b.underlay!.address = '0.0.0.0';
      b.tunnels[0]!.profile!.encapsulation = Encapsulation.ENCAPSULATION_NONE;
    },
    'tunnels[0].profile.encapsulation',
    'bad_address',
  ],
  [
    'ESP directly on IP from another family',
    (b) => {
      b.underlay!.address = '2001:db8::1';
      b.tunnels[0]!.profile!.encapsulation = Encapsulation.ENCAPSULATION_NONE;
    },
    'tunnels[0].profile.encapsulation',
    'bad_address',
  ],
  ['a group without UUID', (b) => group(b, { groupId: 'x' }), 'tunnel_groups[0].group_id', 'bad_identifier'],
  ['a group named as a tunnel', (b) => group(b, { groupId: TUNNEL_ID }), 'tunnel_groups[0].group_id', 'duplicate'],
  ['a group of one', (b) => group(b, { tunnelIds: [TUNNEL_ID] }), 'tunnel_groups[0].tunnel_ids', 'too_few'],
  [
    'a group of what is not there',
    (b) => group(b, { tunnelIds: [TUNNEL_ID, PEER_ID] }),
    'tunnel_groups[0].tunnel_ids[1]',
    'unknown_tunnel',
  ],
  [
    'a tunnel twice in a group',
    (b) => group(b, { tunnelIds: [TUNNEL_ID, TUNNEL_ID] }),
    'tunnel_groups[0].tunnel_ids[1]',
    'duplicate',
  ],
  [
    'a tunnel in two groups',
    (b) => {
      group(b, {});
      group(b, { groupId: PEER_ID });
    },
    'tunnel_groups[1].tunnel_ids[0]',
    'duplicate',
  ],
  [
    'probes without a pause',
    (b) => group(b, { probeIntervalMilliseconds: 99 }),
    'tunnel_groups[0].probe_interval_milliseconds',
    'out_of_range',
  ],
  [
    'a peer that dies of one lost packet',
    (b) => group(b, { missedProbes: 1 }),
    'tunnel_groups[0].missed_probes',
    'out_of_range',
  ],
  ['no hold-down', (b) => group(b, { holdDownSeconds: 0 }), 'tunnel_groups[0].hold_down_seconds', 'out_of_range'],
  ['more groups than tunnels', (b) => [1, 2, 3].forEach(() => void group(b, {})), 'tunnel_groups', 'too_many'],
  ['4097 tunnels', (b) => (b.tunnels = new Array(4097).fill(b.tunnels[0]!)), 'tunnels', 'too_many'],
  [
    'an entry without id',
    (b) => (b.securityPolicies[0]!.entryId = ''),
    'security_policies[0].entry_id',
    'bad_identifier',
  ],
  [
    'an entry twice',
    (b) => (b.securityPolicies[1]!.entryId = b.securityPolicies[0]!.entryId),
    'security_policies[1].entry_id',
    'duplicate',
  ],
  [
    'an unknown tunnel',
    (b) => (b.securityPolicies[1]!.tunnelId = PEER_ID),
    'security_policies[1].tunnel_id',
    'unknown_tunnel',
  ],
  [
    'a DISCARD with a tunnel',
    (b) => (b.securityPolicies[0]!.action = SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD),
    'security_policies[0].tunnel_id',
    'unexpected_value',
  ],
  [
    'no action',
    (b) => Object.assign(b.securityPolicies[0]!, { action: 0, tunnelId: '' }),
    'security_policies[0].action',
    'unsupported_value',
  ],
  ['no selector', (b) => delete b.securityPolicies[0]!.selector, 'security_policies[0].selector', 'missing_field'],
  [
    'an address of 5 octets',
    (b) => (selector(b).localAddresses[0]!.first = Buffer.alloc(5)),
    'security_policies[0].selector.local_addresses[0].first',
    'bad_address',
  ],
  [
    'a range of two families',
    (b) => (selector(b).localAddresses[0]!.last = Buffer.alloc(16, 255)),
    'security_policies[0].selector.local_addresses[0].last',
    'mixed_families',
  ],
  [
    'local IPv4, remote IPv6',
    (b) => (selector(b).remoteAddresses = selector(b, 1).remoteAddresses),
    'security_policies[0].selector.remote_addresses[0]',
    'mixed_families',
  ],
  [
    'a reversed range',
    (b) => (selector(b).localAddresses[0]!.first = Buffer.alloc(4, 255)),
    'security_policies[0].selector.local_addresses[0]',
    'reversed_range',
  ],
  ['protocol 256', (b) => (selector(b).protocol = 256), 'security_policies[0].selector.protocol', 'out_of_range'],
  [
    'ports of any protocol',
    (b) => delete selector(b).protocol,
    'security_policies[0].selector',
    'ports_without_protocol',
  ],
  ['ports of ICMP', (b) => (selector(b).protocol = 1), 'security_policies[0].selector', 'ports_without_protocol'],
  [
    'port 65536',
    (b) => (selector(b).remotePorts[0]!.last = 65_536),
    'security_policies[0].selector.remote_ports[0].last',
    'out_of_range',
  ],
  [
    'reversed ports',
    (b) => (selector(b).remotePorts[0]!.first = 444),
    'security_policies[0].selector.remote_ports[0]',
    'reversed_range',
  ],
  [
    '100001 policies',
    (b) => (b.securityPolicies = new Array(100_001).fill(b.securityPolicies[0]!)),
    'security_policies',
    'too_many',
  ],
  ['a route with host bits', (b) => (b.routes[0] = '10.2.0.1/24'), 'routes[0]', 'bad_prefix'],
  ['a route too long', (b) => (b.routes[1] = '2001:db8::/129'), 'routes[1]', 'bad_prefix'],
  ['a route twice, spelt differently', (b) => b.routes.push('2001:0db8:2:0::/64'), 'routes[2]', 'duplicate'],
  ['65537 routes', (b) => (b.routes = new Array(65_537).fill('10.2.0.0/24')), 'routes', 'too_many'],
  ['a network that is none', (b) => (b.localNetworks[1] = ''), 'local_networks[1]', 'bad_prefix'],
  [
    'a mapping of what is not here',
    (b) => map(b, '10.0.0.0/24', '10.2.0.0/24'),
    'network_mappings[0].overlay',
    'unexpected_value',
  ],
  [
    'a network that is mapped twice',
    (b) => [map(b, '10.0.0.0/24', '10.1.0.0/24'), map(b, '10.3.0.0/24', '10.1.0.0/24')],
    'network_mappings[1].overlay',
    'unexpected_value',
  ],
  [
    'a mapping to another length',
    (b) => map(b, '10.0.0.0/23', '10.1.0.0/24'),
    'network_mappings[0].local',
    'bad_prefix',
  ],
  ['a mapping to another family', (b) => map(b, 'fd00::/24', '10.1.0.0/24'), 'network_mappings[0].local', 'bad_prefix'],
  [
    'a mapped network that the fabric knows, too',
    (b) => map(b, '10.2.0.0/24', '10.1.0.0/24'),
    'network_mappings[0].local',
    'unexpected_value',
  ],
  [
    'a mapping of a network to itself',
    (b) => map(b, '10.1.0.0/24', '10.1.0.0/24'),
    'network_mappings[0].local',
    'unexpected_value',
  ],
  [
    'two mapped networks that overlap',
    (b) => {
      b.localNetworks.push('10.9.0.0/24');
      map(b, '10.0.0.0/24', '10.1.0.0/24');
      map(b, '10.0.0.0/24', '10.9.0.0/24');
    },
    'network_mappings[1].local',
    'unexpected_value',
  ],
  ['257 mappings', (b) => (b.networkMappings = new Array(257).fill({})), 'network_mappings', 'too_many'],
];

/** [what, how to spoil a good AH profile, field, rule] */
const SPOILED_AH: readonly [string, Partial<Profile>, string, string][] = [
  ['an algorithm that encrypts', { encryption: PROFILE.encryption }, 'encryption', 'unexpected_value'],
  ['a key length', { keyBits: 256 }, 'key_bits', 'unexpected_value'],
  ['an encapsulation', { encapsulation: Encapsulation.ENCAPSULATION_NONE }, 'encapsulation', 'unexpected_value'],
  ['no integrity algorithm', { integrity: undefined }, 'integrity', 'unsupported_value'],
  ['an integrity algorithm to come', { integrity: 13 as never }, 'integrity', 'unsupported_value'],
  [
    'an integrity algorithm that says nothing',
    { integrity: IntegrityAlgorithm.INTEGRITY_ALGORITHM_UNSPECIFIED },
    'integrity',
    'unsupported_value',
  ],
  ['another protocol', { protocol: SecurityProtocol.SECURITY_PROTOCOL_UNSPECIFIED }, 'protocol', 'unsupported_value'],
  // As an edge takes it that has never heard of AH.
  [
    'nothing that says so',
    { protocol: undefined, encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_UNSPECIFIED },
    'encryption',
    'unsupported_value',
  ],
  ['no replay window', { replayWindow: 0 }, 'replay_window', 'out_of_range'],
];

/** [what, how to spoil a good bundle of two hosts, path, rule] */
const SPOILED_TRANSPORT: readonly [string, (bundle: Bundle) => void, string, string][] = [
  [
    'a mode to come',
    (b) => (b.tunnels[0]!.profile!.mode = IpsecMode.IPSEC_MODE_UNSPECIFIED),
    'tunnels[0].profile.mode',
    'unsupported_value',
  ],
  [
    'ESP in UDP',
    (b) => (b.tunnels[0]!.profile!.encapsulation = undefined),
    'tunnels[0].profile.encapsulation',
    'unsupported_value',
  ],
  [
    'keys of the controller, which looks for no NAT',
    (b) => Object.assign(b.tunnels[0]!, { keyingMode: KeyingMode.KEYING_MODE_IKE_LESS, ike: undefined }),
    'tunnels[0].profile.mode',
    'unsupported_value',
  ],
  [
    'an underlay address that is none',
    (b) => (b.underlay!.address = '0.0.0.0'),
    'tunnels[0].profile.mode',
    'bad_address',
  ],
  [
    'an underlay address of another family',
    (b) => (b.underlay!.address = '2001:db8::1'),
    'tunnels[0].profile.mode',
    'bad_address',
  ],
  [
    'any local address',
    (b) => (selector(b).localAddresses = []),
    'security_policies[0].selector.local_addresses',
    'unsupported_value',
  ],
  [
    'a neighbour of the peer',
    (b) => selector(b).remoteAddresses.push(range('198.51.100.2/32')),
    'security_policies[0].selector.remote_addresses',
    'unsupported_value',
  ],
  [
    'a network around the peer',
    (b) => (selector(b).remoteAddresses = [range('198.51.100.0/31')]),
    'security_policies[0].selector.remote_addresses',
    'unsupported_value',
  ],
];

describe('the content of a bundle', () => {
  it('in order is accepted', () => {
    expect(parseBundle(testBundle())).toMatchObject({ overlayMtu: 1422 });
  });

  it.each(SPOILED)('with %s is refused', (_, spoil, path, rule) => {
    const bundle = testBundle();
    spoil(bundle);
    expect(() => parseBundle(bundle)).toThrow(expect.objectContaining({ path, rule }));
  });

  it('has entries that name a group, which any of its tunnels may carry', () => {
    const bundle = testBundle();
    group(bundle, { tunnelIds: [OTHER_ID, TUNNEL_ID] });
    bundle.securityPolicies[0]!.tunnelId = GROUP_ID;
    const { groups, policies } = parseBundle(bundle);
    expect(policies[0]).toMatchObject({ tunnelId: OTHER_ID, alternatives: [OTHER_ID, TUNNEL_ID] });
    expect(policies[1]).toMatchObject({ tunnelId: TUNNEL_ID });
    expect(policies[1]).not.toHaveProperty('alternatives');
    expect(groups).toMatchObject([{ groupId: GROUP_ID, probeInterval: 500, missedProbes: 3, holdDown: 30_000 }]);
  });

  it('may protect by AH what edges negotiate', () => {
    const { tunnels } = parseBundle(negotiated());
    expect([...tunnels.values()].map(({ profile }) => profile)).toEqual([
      {
        protocol: 'ah',
        mode: 'tunnel',
        integrity: 'hmac-sha2-256-128',
        replayWindow: 1024,
        extendedSequenceNumbers: true,
      },
    ]);
  });

  it.each([
    ['ESP', TRANSPORT_PROFILE],
    ['AH', { ...AH_PROFILE, mode: IpsecMode.IPSEC_MODE_TRANSPORT }],
  ])('may protect in transport mode what goes between two hosts, with %s', (_, profile) => {
    const { tunnels } = parseBundle(hosts(profile));
    expect([...tunnels.values()]).toMatchObject([{ profile: { mode: 'transport' } }]);
  });

  it.each(SPOILED_TRANSPORT)('in transport mode and with %s is refused', (_, spoil, path, rule) => {
    const bundle = hosts(TRANSPORT_PROFILE);
    spoil(bundle);
    expect(() => parseBundle(bundle)).toThrow(expect.objectContaining({ path, rule }));
  });

  it('in transport mode is refused with a gateway that is no edge, and where there are several ways to a site', () => {
    const external = externalBundle();
    external.tunnels[0]!.profile = { ...TRANSPORT_PROFILE };
    expect(() => parseBundle(external, [PRE_SHARED_KEY])).toThrow(
      expect.objectContaining({ path: 'tunnels[0].profile.mode', rule: 'unsupported_value' }),
    );
    const several = hosts(TRANSPORT_PROFILE);
    group(several, {});
    const path = 'tunnel_groups[0].tunnel_ids[0]';
    expect(() => parseBundle(several)).toThrow(expect.objectContaining({ path, rule: 'unsupported_value' }));
  });

  it.each(SPOILED_AH)('with AH and %s is refused', (_, change, path, rule) => {
    const bundle = negotiated();
    const [tunnel] = bundle.tunnels;
    Object.assign(tunnel!.profile!, change);
    expect(() => parseBundle(bundle)).toThrow(expect.objectContaining({ path: `tunnels[0].profile.${path}`, rule }));
  });

  it('with AH is refused where nobody looks for a NAT, with a gateway that is no edge, and where peers are to be asked', () => {
    const ikeLess = testBundle();
    ikeLess.tunnels[0]!.profile = { ...AH_PROFILE };
    const external = externalBundle();
    external.tunnels[0]!.profile = { ...AH_PROFILE };
    for (const parse of [() => parseBundle(ikeLess), () => parseBundle(external, [PRE_SHARED_KEY])]) {
      expect(parse).toThrow(
        expect.objectContaining({ path: 'tunnels[0].profile.protocol', rule: 'unsupported_value' }),
      );
    }
    const several = negotiated();
    group(several, {});
    const path = 'tunnel_groups[0].tunnel_ids[0]';
    expect(() => parseBundle(several)).toThrow(expect.objectContaining({ path, rule: 'unsupported_value' }));
  });

  it('may have keys that the controller does not know, with their lifetimes and whom not to believe', () => {
    const bundle = testBundle();
    const keyingMode = KeyingMode.KEYING_MODE_CONTROLLER_BLIND;
    Object.assign(bundle.tunnels[0]!, { keyingMode, controllerBlind: BLIND });
    expect([...parseBundle(bundle).tunnels.values()][0]?.keying).toEqual({
      mode: 'controller-blind',
      softLifetime: 3_600_000,
      hardLifetime: 7_200_000,
      revokedSerials: new Set(['4f']),
    });
  });

  it('says by which prefixes the site knows its networks', () => {
    const bundle = testBundle();
    map(bundle, '10.0.0.0/24', '10.1.0.0/24');
    map(bundle, 'fd00:0::/64', '2001:db8:1::/64');
    const { mappings, localNetworks } = parseBundle(bundle);
    expect(mappings.map(({ local, overlay }) => [local.text, overlay.text])).toEqual([
      ['10.0.0.0/24', '10.1.0.0/24'],
      ['fd00::/64', '2001:db8:1::/64'],
    ]);
    expect(siteNetworks(localNetworks, mappings).map(({ text }) => text)).toEqual(['10.0.0.0/24', 'fd00::/64']);
    expect(siteNetworks(localNetworks, mappings.slice(0, 1)).map(({ text }) => text)).toEqual([
      '10.0.0.0/24',
      '2001:db8:1::/64',
    ]);
  });

  it('may have no tunnels and no policies: an edge on its own', () => {
    const bundle = { ...testBundle(), tunnels: [], securityPolicies: [], routes: [], localNetworks: [] };
    expect(parseBundle(bundle).tunnels.size).toBe(0);
  });
});

function map(bundle: Bundle, local: string, overlay: string): void {
  bundle.networkMappings.push({ local, overlay });
}

function selector(bundle: Bundle, index = 0): NonNullable<Bundle['securityPolicies'][number]['selector']> {
  return bundle.securityPolicies[index]!.selector!;
}

/** With a tunnel of AH that the edges key themselves. */
function negotiated(): Bundle {
  const site = (id: string, underlay: string, network: string) => ({ id, underlay, network });
  const bundle = negotiatedBundle(
    site(OTHER_ID, '192.0.2.1', '10.1.0.0/24'),
    site(PEER_ID, '198.51.100.1', '10.2.0.0/24'),
  );
  Object.assign(bundle.tunnels[0]!, { tunnelId: TUNNEL_ID, profile: { ...AH_PROFILE } });
  bundle.securityPolicies[0]!.tunnelId = TUNNEL_ID;
  return bundle;
}

/** Two hosts that protect what goes between their own addresses. */
function hosts(profile: Profile): Bundle {
  const bundle = negotiated();
  bundle.tunnels[0]!.profile = { ...profile };
  const [local, remote] = [range('192.0.2.1/32'), range('198.51.100.1/32')];
  bundle.securityPolicies[0]!.selector = {
    localAddresses: [local],
    remoteAddresses: [remote],
    localPorts: [],
    remotePorts: [],
  };
  return { ...bundle, routes: ['198.51.100.1/32'], localNetworks: ['192.0.2.1/32'] };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}

/** Adds a second tunnel, if there is none yet, and a group of both. */
function group(bundle: Bundle, more: Partial<Bundle['tunnelGroups'][number]>): void {
  if (bundle.tunnels.length === 1)
    bundle.tunnels.push({ ...bundle.tunnels[0]!, tunnelId: OTHER_ID, peerEdgeId: OTHER_ID });
  bundle.tunnelGroups.push({
    groupId: GROUP_ID,
    tunnelIds: [TUNNEL_ID, OTHER_ID],
    probeIntervalMilliseconds: 500,
    missedProbes: 3,
    holdDownSeconds: 30,
    carries: [],
    ...more,
  });
}
