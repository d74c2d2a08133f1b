import { createHash } from 'node:crypto';
import {
  Bundle,
  Encapsulation,
  EncryptionAlgorithm,
  type ExternalPeer,
  type IkeConfiguration,
  IntegrityAlgorithm,
  IpsecMode,
  type KeyExchange,
  KeyingMode,
  type Profile,
  PseudorandomFunction,
  type RemoteAccess,
  type SecurityPolicy,
  SecurityPolicyAction,
  SecurityProtocol,
  type Selector,
  type Tunnel,
  TunnelStart,
  type UnderlayEndpoints,
} from '@weft/contracts/southbound';
import {
  addressOctets,
  type BundleAddressList,
  type BundleAhProfile,
  type BundleEndpoint,
  type BundleExternalAuthentication,
  type BundleExternalPeer,
  type BundleIke,
  type BundleIkeProposal,
  type BundleKeyExchange,
  type BundleKeying,
  type BundleProfile,
  type BundleRemoteAccess,
  type BundleSecurityPolicy,
  type BundleTrap,
  type BundleTunnel,
  type CombinedMode,
  type EdgeBundle,
} from '@weft/fabric-compiler';
import { AddressSets, rangeMessages } from './address-sets.js';

/** A bundle as the octets that are hashed and signed. */
export interface BundleContent {
  readonly octets: Buffer;
  /** SHA-256 of the octets. */
  readonly hash: Buffer;
}

/**
 * Encodes a compiled bundle. The encoder writes fields in order and defaults not at all: equal bundles, equal octets.
 * @param revokedSerials certificates that are not to be believed, lower-case hex in ascending order, by edge id
 */
export function encodeBundle(
  compiled: EdgeBundle,
  revokedSerials: ReadonlyMap<string, readonly string[]> = new Map(),
): BundleContent {
  const sets = new AddressSets();
  return contentOf(
    Bundle.encode({
      device: { mtu: compiled.device.mtu },
      underlay: { ...compiled.underlay },
      ...uplinksMessage(compiled),
      tunnels: compiled.tunnels.map((tunnel) =>
        tunnelMessage(tunnel, revokedSerials.get(tunnel.peerEdgeId) ?? [], sets),
      ),
      securityPolicies: compiled.securityPolicies.map((policy) => policyMessage(policy, sets)),
      routes: [...compiled.routes],
      localNetworks: [...compiled.localNetworks],
      tunnelGroups: compiled.tunnelGroups.map(({ tunnelIds, carries = [], ...group }) => ({
        ...group,
        tunnelIds: [...tunnelIds],
        carries: sets.placesOf(carries),
      })),
      networkMappings: compiled.networkMappings.map((mapping) => ({ ...mapping })),
      // Last: by now all have been named.
      addressSets: sets.messages(),
    }).finish(),
  );
}

/** A bundle, as it may be after it was encoded once. */
export function contentOfBundle(bundle: Bundle): BundleContent {
  return contentOf(Bundle.encode(bundle).finish());
}

export function decodeBundle(octets: Uint8Array): Bundle {
  return Bundle.decode(octets);
}

function contentOf(encoded: Uint8Array): BundleContent {
  const octets = Buffer.from(encoded);
  return { octets, hash: createHash('sha256').update(octets).digest() };
}

export function profileMessage(profile: BundleProfile): Profile {
  const { replayWindow, extendedSequenceNumbers } = profile;
  const mode = profile.mode === 'transport' ? { mode: IpsecMode.IPSEC_MODE_TRANSPORT } : {};
  if (profile.protocol === 'ah') {
    return {
      encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_UNSPECIFIED,
      keyBits: 0,
      replayWindow,
      extendedSequenceNumbers,
      protocol: SecurityProtocol.SECURITY_PROTOCOL_AH,
      integrity: INTEGRITY_ALGORITHMS[profile.integrity],
      ...mode,
    };
  }
  return {
    encryption: ENCRYPTION_ALGORITHMS[profile.encryption],
    keyBits: profile.keyBits,
    replayWindow,
    extendedSequenceNumbers,
    ...(profile.encapsulation === 'none' ? { encapsulation: Encapsulation.ENCAPSULATION_NONE } : {}),
    ...mode,
  };
}

function uplinksMessage({ otherUnderlays, pathWatch }: EdgeBundle): Pick<Bundle, 'otherUnderlays' | 'pathWatch'> {
  return {
    ...(otherUnderlays === undefined ? {} : { otherUnderlays: endpointsMessage(otherUnderlays) }),
    ...(pathWatch === undefined ? {} : { pathWatch: { ...pathWatch } }),
  };
}

function endpointsMessage(endpoints: readonly BundleEndpoint[]): UnderlayEndpoints {
  return { endpoints: endpoints.map((endpoint) => ({ ...endpoint })) };
}

function tunnelMessage(tunnel: BundleTunnel, revokedSerials: readonly string[], sets: AddressSets): Tunnel {
  return {
    tunnelId: tunnel.tunnelId,
    peerEdgeId: tunnel.peerEdgeId,
    peerName: tunnel.peerName,
    ...(tunnel.remote === undefined ? {} : { remote: { ...tunnel.remote } }),
    ...(tunnel.otherRemotes === undefined ? {} : { otherRemotes: endpointsMessage(tunnel.otherRemotes) }),
    keyingMode: KEYING_MODES[tunnel.keying.mode],
    profile: profileMessage(tunnel.profile),
    ...keyingMessage(tunnel.keying, revokedSerials),
    ...(tunnel.external === undefined
      ? {}
      : { externalPeer: externalPeerMessage(tunnel.external, tunnel.remoteAccess) }),
    carries: sets.placesOf(tunnel.carries ?? []),
  };
}

function keyingMessage(
  keying: BundleKeying,
  revokedSerials: readonly string[],
): Pick<Tunnel, 'ike' | 'controllerBlind'> {
  switch (keying.mode) {
    case 'ikev2':
      return { ike: { ...ikeMessage(keying.ike, revokedSerials), ...startMessage(keying.trap) } };
    case 'controller-blind':
      return { controllerBlind: { ...keying.lifetimes, revokedSerials: serialMessages(revokedSerials) } };
    case 'ike-less':
      return {};
  }
}

function serialMessages(serials: readonly string[]): Buffer[] {
  return serials.map((serial) => Buffer.from(serial, 'hex'));
}

/** Without the key: that is added when the bundle is sent. */
function externalPeerMessage(
  { remoteIdentity, authentication, ...peer }: BundleExternalPeer,
  access: BundleRemoteAccess | undefined,
): ExternalPeer {
  return {
    remoteIdentity: { type: remoteIdentity.type, data: Buffer.from(remoteIdentity.data) },
    ...authenticationMessage(authentication),
    localAddresses: rangeMessages(peer.localAddresses),
    remoteAddresses: rangeMessages(peer.remoteAddresses),
    ...(access === undefined ? {} : { remoteAccess: remoteAccessMessage(access) }),
  };
}

function remoteAccessMessage({ addresses, nameServers, domains }: BundleRemoteAccess): RemoteAccess {
  const octets = (texts: readonly string[]) => texts.map((text) => Buffer.from(addressOctets(text)));
  return { addresses: octets(addresses), nameServers: octets(nameServers), domains: [...domains] };
}

function authenticationMessage(
  authentication: BundleExternalAuthentication,
): Pick<ExternalPeer, 'localIdentity' | 'authentication'> {
  if (authentication.kind === 'pinned_certificates') {
    const certificates = authentication.certificates.map((certificate) => Buffer.from(certificate, 'hex'));
    return { authentication: { $case: 'pinnedCertificates', value: { certificates } } };
  }
  const { localIdentity, commitment } = authentication;
  return {
    localIdentity: { type: localIdentity.type, data: Buffer.from(localIdentity.data) },
    authentication: { $case: 'preSharedKeyCommitment', value: Buffer.from(commitment, 'hex') },
  };
}

function ikeMessage(ike: BundleIke, revokedSerials: readonly string[]): IkeConfiguration {
  return {
    proposals: ike.proposals.map(({ encryption, keyBits, prf, keyExchange }) => ({
      encryption: ENCRYPTION_ALGORITHMS[encryption],
      keyBits,
      prf: PRFS[prf],
      keyExchange: keyExchangeMessage(keyExchange),
    })),
    ...(ike.childKeyExchange === undefined ? {} : { childKeyExchange: keyExchangeMessage(ike.childKeyExchange) }),
    ikeLifetimeSeconds: ike.ikeLifetimeSeconds,
    childLifetimeSeconds: ike.childLifetimeSeconds,
    livenessSeconds: ike.livenessSeconds,
    revokedSerials: serialMessages(revokedSerials),
  };
}

/** What starts at once says nothing, as before there was a choice: equal bundles, equal octets. */
function startMessage(trap: BundleTrap | undefined): Pick<IkeConfiguration, 'start' | 'idleSeconds'> {
  return trap === undefined ? {} : { start: TunnelStart.TUNNEL_START_TRAP, ...trap };
}

/** The numbers are IANA's on both sides. */
function keyExchangeMessage({ method, additionalMethods }: BundleKeyExchange): KeyExchange {
  return { method, additionalMethods: [...additionalMethods] };
}

function policyMessage(policy: BundleSecurityPolicy, sets: AddressSets): SecurityPolicy {
  const { localAddresses, remoteAddresses, protocol, localPorts, remotePorts } = policy.selector;
  return {
    entryId: policy.entryId,
    ruleId: policy.ruleId,
    action: ACTIONS[policy.action],
    tunnelId: policy.action === 'PROTECT' ? (policy.tunnelId ?? '') : '',
    selector: {
      localAddresses: [],
      remoteAddresses: [],
      ...addressesMessage('localAddressSet', localAddresses, sets),
      ...addressesMessage('remoteAddressSet', remoteAddresses, sets),
      protocol: protocol === 'any' ? undefined : protocol,
      localPorts: localPorts.map((range) => ({ ...range })),
      remotePorts: remotePorts.map((range) => ({ ...range })),
    },
  };
}

/** An empty list means every address, and is no set. */
function addressesMessage(
  field: 'localAddressSet' | 'remoteAddressSet',
  list: BundleAddressList,
  sets: AddressSets,
): Pick<Selector, 'localAddressSet' | 'remoteAddressSet'> {
  return list.length === 0 ? {} : { [field]: sets.placeOf(list) };
}

const KEYING_MODES: Readonly<Record<BundleTunnel['keying']['mode'], KeyingMode>> = {
  ikev2: KeyingMode.KEYING_MODE_IKEV2,
  'ike-less': KeyingMode.KEYING_MODE_IKE_LESS,
  'controller-blind': KeyingMode.KEYING_MODE_CONTROLLER_BLIND,
};
const ENCRYPTION_ALGORITHMS: Readonly<Record<CombinedMode, EncryptionAlgorithm>> = {
  'aes-gcm-16': EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
  'chacha20-poly1305': EncryptionAlgorithm.ENCRYPTION_ALGORITHM_CHACHA20_POLY1305,
};
const INTEGRITY_ALGORITHMS: Readonly<Record<BundleAhProfile['integrity'], IntegrityAlgorithm>> = {
  'hmac-sha2-256-128': IntegrityAlgorithm.INTEGRITY_ALGORITHM_HMAC_SHA2_256_128,
};
const PRFS: Readonly<Record<BundleIkeProposal['prf'], PseudorandomFunction>> = {
  'hmac-sha2-256': PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_256,
  'hmac-sha2-384': PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_384,
  'hmac-sha2-512': PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_512,
};
const ACTIONS: Readonly<Record<BundleSecurityPolicy['action'], SecurityPolicyAction>> = {
  PROTECT: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
  DISCARD: SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD,
  BYPASS: SecurityPolicyAction.SECURITY_POLICY_ACTION_BYPASS,
};
