import { createHash } from 'node:crypto';
import {
  type Bundle,
  EncryptionAlgorithm,
  KeyExchangeMethod,
  KeyingMode,
  type PreSharedKey,
  PseudorandomFunction,
  SecurityPolicyAction,
  type Tunnel,
} from '@weft/contracts/southbound';
import { parseAddress, parsePrefix } from '@weft/ipsec-core';
import type { Namespaces } from './namespaces.js';
import { PROFILE } from './test-bundle.js';

// The internet would carry overlay addresses in the clear, and has a way to each.
//
//   10.1.0.1       192.0.2.1                     198.51.100.1, later .2      10.77.1.10 [ notebook ]
//   2001:db8:1::1 [ edge ] ----- [ internet ] ----- [ nat ] -----------------
//                                                                             10.77.2.10 [ phone ]
export const EDGE = {
  underlay: '192.0.2.1',
  identity: 'edge.example',
  hosts: ['10.1.0.1', '2001:db8:1::1'],
  networks: ['10.1.0.0/24', '2001:db8:1::/64'],
} as const;
/** Addresses are assigned from these. */
export const POOLS = ['10.9.0.0/24', '2001:db8:9::/64'] as const;
export const NAME_SERVERS = ['10.1.0.53', '2001:db8:1::53'] as const;
export const OUTSIDE = ['198.51.100.1', '198.51.100.2'] as const;

/** A host that comes from anywhere, as the bundle has it. */
export interface KnownHost {
  readonly name: string;
  readonly tunnelId: string;
  readonly identity: string;
  /** What it proves itself with: a key, or a certificate that comes from these, DER. */
  readonly proof:
    | { readonly kind: 'key'; readonly key: PreSharedKey }
    | { readonly kind: 'pinned'; readonly certificates: Buffer[] };
  readonly assigned: readonly [v4: string, v6: string];
  /** Networks behind the edge that it may reach, IPv4 first. */
  readonly reaches: readonly string[];
  /** Where it is behind the NAT; it may move to the next one there. */
  readonly inside: readonly [string, string];
}

export const NOTEBOOK = {
  name: 'notebook',
  tunnelId: '00000000-0000-4000-8000-00000000000a',
  identity: 'notebook.example',
  proof: { kind: 'key', key: { salt: Buffer.alloc(32, 1), key: Buffer.from('correct horse battery staple') } },
  assigned: ['10.9.0.7', '2001:db8:9::7'],
  reaches: EDGE.networks,
  inside: ['10.77.1.10', '10.77.1.11'],
} as const satisfies KnownHost;
export const PHONE = {
  name: 'phone',
  tunnelId: '00000000-0000-4000-8000-00000000000b',
  identity: 'phone.example',
  proof: { kind: 'key', key: { salt: Buffer.alloc(32, 2), key: Buffer.from('purple monkey dishwasher') } },
  assigned: ['10.9.0.8', '2001:db8:9::8'],
  reaches: EDGE.networks,
  inside: ['10.77.2.10', '10.77.2.11'],
} as const satisfies KnownHost;
const PLACES = [NOTEBOOK, PHONE];

/** A host with a certificate of its authority, which reaches nothing in IPv6. @param authority DER */
export function tabletOf(authority: Buffer): KnownHost {
  return {
    name: 'tablet',
    tunnelId: '00000000-0000-4000-8000-00000000000c',
    identity: 'tablet.example',
    proof: { kind: 'pinned', certificates: [authority] },
    assigned: ['10.9.0.9', '2001:db8:9::9'],
    reaches: EDGE.networks.slice(0, 1),
    inside: PHONE.inside,
  };
}

/** The namespaces of the picture. */
export interface HostNames {
  readonly edge: string;
  readonly internet: string;
  readonly nat: string;
  readonly notebook: string;
  readonly phone: string;
}

export function buildHostNetwork(namespaces: Namespaces): HostNames {
  const add = (name: string) => namespaces.add(name);
  const names = {
    edge: add('edge'),
    internet: add('internet'),
    nat: add('nat'),
    notebook: add('notebook'),
    phone: add('phone'),
  };
  namespaces.connect(names.edge, 'wan', names.internet, 'edge');
  namespaces.connect(names.nat, 'wan', names.internet, 'nat');
  const address = (namespace: string, prefix: string, device: string) =>
    namespaces.ip(namespace, `address add ${prefix} dev ${device}`);
  address(names.edge, `${EDGE.underlay}/24`, 'wan');
  address(names.internet, '192.0.2.254/24', 'edge');
  address(names.internet, '198.51.100.254/24', 'nat');
  address(names.nat, `${OUTSIDE[0]}/24`, 'wan');
  namespaces.ip(names.edge, 'route add default via 192.0.2.254');
  namespaces.ip(names.nat, 'route add default via 198.51.100.254');
  namespaces.ip(names.internet, `route add ${EDGE.networks[0]} via ${EDGE.underlay}`);
  namespaces.ip(names.internet, `route add ${POOLS[0]} via ${OUTSIDE[0]}`);
  for (const each of EDGE.hosts) address(names.edge, each.includes(':') ? `${each}/128` : `${each}/32`, 'lo');
  for (const { name, inside } of PLACES) {
    const namespace = names[name];
    namespaces.connect(namespace, 'wifi', names.nat, name);
    const [first] = inside;
    address(namespace, `${first}/24`, 'wifi');
    address(names.nat, `${first.replace(/\d+$/, '1')}/24`, name);
    namespaces.ip(namespace, `route add default via ${first.replace(/\d+$/, '1')}`);
  }
  for (const forwarding of [names.internet, names.nat])
    namespaces.run(forwarding, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  // What gets another address keeps that when it loses the first.
  for (const moving of [names.nat, names.notebook])
    namespaces.run(moving, 'sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1']);
  const rules = [
    'add table ip weft',
    'add chain ip weft out { type nat hook postrouting priority 100; }',
    'add rule ip weft out oif "wan" meta l4proto udp masquerade to :40000-50000',
    'add rule ip weft out oif "wan" masquerade',
  ];
  namespaces.run(names.nat, 'nft', [rules.join('; ')]);
  return names;
}

/** What the edge runs: a tunnel and an entry per family for each host, and the pools whole. */
export function hostsBundle(hosts: readonly KnownHost[]): Bundle {
  return {
    device: { mtu: 1400 },
    underlay: { address: EDGE.underlay, port: 4500 },
    tunnels: hosts.map(tunnelOf),
    securityPolicies: hosts.flatMap(({ name, tunnelId, assigned, reaches }) =>
      reaches.map((network, index) => ({
        entryId: `${name}-${index}`,
        ruleId: '00000000-0000-4000-8000-0000000000ff',
        action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
        tunnelId,
        selector: {
          localAddresses: [range(network)],
          remoteAddresses: [single(assigned[index] ?? '')],
          localPorts: [],
          remotePorts: [],
        },
      })),
    ),
    routes: [...POOLS],
    localNetworks: [...EDGE.networks],
    tunnelGroups: [],
    networkMappings: [],
    addressSets: [],
  };
}

function tunnelOf({ name, tunnelId, identity, proof, assigned, reaches }: KnownHost): Tunnel {
  const keyExchange = { method: KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519, additionalMethods: [] };
  const encryption = EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16;
  const prf = PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_384;
  return {
    tunnelId,
    peerEdgeId: tunnelId.replace('0000-4000', '0001-4000'),
    peerName: name,
    keyingMode: KeyingMode.KEYING_MODE_IKEV2,
    profile: { ...PROFILE, extendedSequenceNumbers: false },
    ike: {
      proposals: [{ encryption, keyBits: 256, prf, keyExchange }],
      childKeyExchange: keyExchange,
      ikeLifetimeSeconds: 14_400,
      childLifetimeSeconds: 3600,
      livenessSeconds: 5,
      revokedSerials: [],
    },
    externalPeer: {
      ...(proof.kind === 'key'
        ? {
            localIdentity: { type: ID_FQDN, data: Buffer.from(EDGE.identity) },
            authentication: { $case: 'preSharedKeyCommitment', value: commitmentTo(proof.key) },
          }
        : { authentication: { $case: 'pinnedCertificates', value: { certificates: proof.certificates } } }),
      remoteIdentity: { type: ID_FQDN, data: Buffer.from(identity) },
      localAddresses: reaches.map(range),
      remoteAddresses: assigned.slice(0, reaches.length).map(single),
      remoteAccess: {
        addresses: assigned.map((text) => Buffer.from(parseAddress(text))),
        nameServers: NAME_SERVERS.map((text) => Buffer.from(parseAddress(text))),
        domains: [],
      },
    },
    carries: [],
  };
}

function commitmentTo({ salt, key }: PreSharedKey): Buffer {
  return createHash('sha256').update('weft pre-shared key v1\0').update(salt).update(key).digest();
}

function single(text: string): { first: Buffer; last: Buffer } {
  const octets = Buffer.from(parseAddress(text));
  return { first: octets, last: octets };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}

/** RFC 7296 section 3.5. */
const ID_FQDN = 2;
