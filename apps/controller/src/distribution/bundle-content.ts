import { createHash } from 'node:crypto';
import {
  Bundle,
  EncryptionAlgorithm,
  KeyingMode,
  type Profile,
  type SecurityPolicy,
  SecurityPolicyAction,
  type Tunnel,
} from '@weft/contracts/southbound';
import type { BundleProfile, BundleSecurityPolicy, BundleTunnel, EdgeBundle } from '@weft/fabric-compiler';

/** A bundle as the octets that are hashed and signed. */
export interface BundleContent {
  readonly octets: Buffer;
  /** SHA-256 of the octets. */
  readonly hash: Buffer;
}

/** Encodes a compiled bundle. The encoder writes fields in order and defaults not at all: equal bundles, equal octets. */
export function encodeBundle(compiled: EdgeBundle): BundleContent {
  const octets = Buffer.from(
    Bundle.encode({
      device: { mtu: compiled.device.mtu },
      underlay: { ...compiled.underlay },
      tunnels: compiled.tunnels.map(tunnelMessage),
      securityPolicies: compiled.securityPolicies.map(policyMessage),
      routes: [...compiled.routes],
      localNetworks: [...compiled.localNetworks],
    }).finish(),
  );
  return { octets, hash: createHash('sha256').update(octets).digest() };
}

export function decodeBundle(octets: Uint8Array): Bundle {
  return Bundle.decode(octets);
}

export function profileMessage(profile: BundleProfile): Profile {
  return {
    encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
    keyBits: profile.keyBits,
    replayWindow: profile.replayWindow,
    extendedSequenceNumbers: profile.extendedSequenceNumbers,
  };
}

function tunnelMessage(tunnel: BundleTunnel): Tunnel {
  return {
    tunnelId: tunnel.tunnelId,
    peerEdgeId: tunnel.peerEdgeId,
    peerName: tunnel.peerName,
    remote: { ...tunnel.remote },
    keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
    profile: profileMessage(tunnel.profile),
  };
}

function policyMessage(policy: BundleSecurityPolicy): SecurityPolicy {
  const { localAddresses, remoteAddresses, protocol, localPorts, remotePorts } = policy.selector;
  const addresses = (ranges: typeof localAddresses) =>
    ranges.map(({ first, last }) => ({ first: Buffer.from(first), last: Buffer.from(last) }));
  return {
    entryId: policy.entryId,
    ruleId: policy.ruleId,
    action: ACTIONS[policy.action],
    tunnelId: policy.action === 'PROTECT' ? policy.tunnelId : '',
    selector: {
      localAddresses: addresses(localAddresses),
      remoteAddresses: addresses(remoteAddresses),
      protocol: protocol === 'any' ? undefined : protocol,
      localPorts: localPorts.map((range) => ({ ...range })),
      remotePorts: remotePorts.map((range) => ({ ...range })),
    },
  };
}

const ACTIONS: Readonly<Record<BundleSecurityPolicy['action'], SecurityPolicyAction>> = {
  PROTECT: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
  DISCARD: SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD,
  BYPASS: SecurityPolicyAction.SECURITY_POLICY_ACTION_BYPASS,
};
