import { createHash, randomBytes } from 'node:crypto';
import {
  type Bundle,
  EncryptionAlgorithm,
  KeyExchangeMethod,
  KeyingMode,
  type PreSharedKey,
  type Profile,
  PseudorandomFunction,
  type SecurityAssociation,
  type SecurityAssociationCommand,
  SecurityPolicyAction,
} from '@weft/contracts/southbound';
import { parseAddress, parsePrefix } from '@weft/ipsec-core';
import type { EdgeHarness } from './edge-harness.js';
import type { Namespaces } from './namespaces.js';

//   host addresses          underlay                     underlay          host addresses
//   10.1.0.1                192.0.2.1                    198.51.100.1      10.2.0.1
//   2001:db8:1::1  [ left ] ---------- [ router ] -------------- [ right ] 2001:db8:2::1
export const LEFT = { underlay: '192.0.2.1', gateway: '192.0.2.254', networks: ['10.1.0.0/24', '2001:db8:1::/64'] };
export const RIGHT = {
  underlay: '198.51.100.1',
  gateway: '198.51.100.254',
  networks: ['10.2.0.0/24', '2001:db8:2::/64'],
};
export const LEFT_ID = '00000000-0000-4000-8000-000000000001';
export const RIGHT_ID = '00000000-0000-4000-8000-000000000002';
export const TUNNEL = '00000000-0000-4000-8000-00000000000a';
export const PROFILE: Profile = {
  encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
  keyBits: 256,
  replayWindow: 1024,
  extendedSequenceNumbers: true,
};
export const MTU = 1422;

export function buildNetwork(namespaces: Namespaces): { left: string; router: string; right: string } {
  const names = { left: namespaces.add('left'), router: namespaces.add('router'), right: namespaces.add('right') };
  for (const [name, site] of [
    [names.left, LEFT],
    [names.right, RIGHT],
  ] as const) {
    namespaces.connect(name, 'wan', names.router, name === names.left ? 'left' : 'right');
    namespaces.ip(name, `address add ${site.underlay}/24 dev wan`);
    namespaces.ip(names.router, `address add ${site.gateway}/24 dev ${name === names.left ? 'left' : 'right'}`);
    namespaces.ip(name, `route add default via ${site.gateway}`);
    const [ipv4 = '', ipv6 = ''] = site.networks;
    namespaces.ip(name, `address add ${ipv4.replace('.0/24', '.1/32')} dev lo`);
    namespaces.ip(name, `address add ${ipv6.replace('::/64', '::1/128')} dev lo nodad`);
  }
  namespaces.run(names.router, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
  return names;
}

export function bundle(local: typeof LEFT, remote: typeof LEFT, peerEdgeId: string): Bundle {
  return {
    device: { mtu: MTU },
    underlay: { address: local.underlay, port: 4500 },
    tunnels: [
      {
        tunnelId: TUNNEL,
        peerEdgeId,
        peerName: 'peer',
        remote: { address: remote.underlay, port: 4500 },
        keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
        profile: PROFILE,
        carries: [],
      },
    ],
    securityPolicies: remote.networks.map((network, index) => ({
      entryId: `entry-${index}`,
      ruleId: '00000000-0000-4000-8000-0000000000ff',
      action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
      tunnelId: TUNNEL,
      selector: {
        localAddresses: [range(local.networks[index] ?? network)],
        remoteAddresses: [range(network)],
        localPorts: [],
        remotePorts: [],
      },
    })),
    routes: [...remote.networks],
    localNetworks: [...local.networks],
    tunnelGroups: [],
    networkMappings: [],
    addressSets: [],
  };
}

/** The same, but the edges negotiate the keys themselves. */
export function negotiating(bundle: Bundle): Bundle {
  const keyExchange = {
    method: KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519,
    additionalMethods: [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_768],
  };
  const encryption = EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16;
  const prf = PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_384;
  const ike = {
    proposals: [{ encryption, keyBits: 256, prf, keyExchange }],
    childKeyExchange: keyExchange,
    ikeLifetimeSeconds: 14_400,
    childLifetimeSeconds: 3600,
    livenessSeconds: 10,
    revokedSerials: [],
  };
  const tunnels = bundle.tunnels.map((tunnel) => ({ ...tunnel, keyingMode: KeyingMode.KEYING_MODE_IKEV2, ike }));
  return { ...bundle, tunnels };
}

/** The same, but the controller relays the key shares of the edges. */
export function relaying(bundle: Bundle): Bundle {
  const controllerBlind = { softLifetimeSeconds: 28_800, hardLifetimeSeconds: 86_400, revokedSerials: [] };
  const keyingMode = KeyingMode.KEYING_MODE_CONTROLLER_BLIND;
  return { ...bundle, tunnels: bundle.tunnels.map((tunnel) => ({ ...tunnel, keyingMode, controllerBlind })) };
}

/** The same, but each takes the other for a gateway that is no edge, with which it has a key in common. */
export function withPreSharedKey({ salt, key: secret }: PreSharedKey): (bundle: Bundle) => Bundle {
  const commitment = createHash('sha256').update('weft pre-shared key v1\0').update(salt).update(secret).digest();
  return (bundle) => {
    const negotiated = negotiating(bundle);
    const selectors = bundle.securityPolicies.flatMap(({ selector }) => (selector === undefined ? [] : [selector]));
    const identity = (address: string) => ({ type: ID_IPV4_ADDR, data: Buffer.from(parseAddress(address)) });
    const tunnels = negotiated.tunnels.map((tunnel) => ({
      ...tunnel,
      profile: { ...PROFILE, extendedSequenceNumbers: false },
      externalPeer: {
        localIdentity: identity(bundle.underlay?.address ?? ''),
        remoteIdentity: identity(tunnel.remote?.address ?? ''),
        authentication: { $case: 'preSharedKeyCommitment' as const, value: commitment },
        localAddresses: selectors.flatMap(({ localAddresses }) => localAddresses),
        remoteAddresses: selectors.flatMap(({ remoteAddresses }) => remoteAddresses),
      },
    }));
    return { ...negotiated, tunnels };
  };
}

/** RFC 7296 section 3.5. */
const ID_IPV4_ADDR = 1;

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}

/** Both directions of the tunnel, in the order of RFC 9061 appendix D: inbound at both ends, then outbound at both. */
export async function key(
  left: EdgeHarness,
  right: EdgeHarness,
  [toLeft, toRight]: readonly [number, number],
): Promise<void> {
  const toLeftKey = randomBytes(36);
  const toRightKey = randomBytes(36);
  await Promise.all([
    installInbound(left, association(toLeft, toLeftKey, RIGHT.underlay)),
    installInbound(right, association(toRight, toRightKey, LEFT.underlay)),
  ]);
  await Promise.all([
    installOutbound(left, association(toRight, toRightKey, RIGHT.underlay)),
    installOutbound(right, association(toLeft, toLeftKey, LEFT.underlay)),
  ]);
}

/** The same as commands of a controller, each to be carried out before the next. */
export function bothDirections([toLeft, toRight]: readonly [number, number]): readonly KeyingStep[] {
  const inbound = {
    left: association(toLeft, randomBytes(36), RIGHT.underlay),
    right: association(toRight, randomBytes(36), LEFT.underlay),
  };
  const outbound = {
    left: { ...inbound.right, peer: inbound.left.peer },
    right: { ...inbound.left, peer: inbound.right.peer },
  };
  const step = (edge: 'left' | 'right', $case: 'installInbound' | 'installOutbound'): KeyingStep => {
    const associations = [($case === 'installInbound' ? inbound : outbound)[edge]];
    return { edge, command: { commandId: `${edge} ${$case}`, step: { $case, value: { associations } } } };
  };
  return [
    step('left', 'installInbound'),
    step('right', 'installInbound'),
    step('left', 'installOutbound'),
    step('right', 'installOutbound'),
  ];
}

/** What a controller asks of an edge. */
export interface KeyingStep {
  readonly edge: 'left' | 'right';
  readonly command: SecurityAssociationCommand;
}

function association(spi: number, keyingMaterial: Buffer, peer: string): SecurityAssociation {
  parseAddress(peer);
  return {
    tunnelId: TUNNEL,
    spi,
    profile: PROFILE,
    keyingMaterial,
    peer: { address: peer, port: 4500 },
    softLifetimeSeconds: 3600n,
    hardLifetimeSeconds: 28_800n,
  };
}

function installInbound(edge: EdgeHarness, value: SecurityAssociation): Promise<void> {
  return edge.command({ commandId: 'in', step: { $case: 'installInbound', value: { associations: [value] } } });
}

function installOutbound(edge: EdgeHarness, value: SecurityAssociation): Promise<void> {
  return edge.command({ commandId: 'out', step: { $case: 'installOutbound', value: { associations: [value] } } });
}

export function forget(edge: EdgeHarness, inbound: number, outbound: number): Promise<void> {
  const value = { inboundSpis: [inbound], outbound: [{ tunnelId: TUNNEL, spi: outbound }] };
  return edge.command({ commandId: 'gone', step: { $case: 'deleteAssociations', value } });
}
