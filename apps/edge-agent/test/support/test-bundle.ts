import { createHash, type KeyObject, sign } from 'node:crypto';
import {
  Bundle,
  BundleManifest,
  Encapsulation,
  EncryptionAlgorithm,
  IntegrityAlgorithm,
  IpsecMode,
  KeyingMode,
  type Profile,
  SecurityPolicyAction,
  SecurityProtocol,
  type SignedBundle,
} from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { EDGE_ID, TENANT_ID } from './test-pki.js';

export const TUNNEL_ID = '44444444-4444-8444-8444-444444444444';
export const PEER_ID = '55555555-5555-4555-8555-555555555555';
export const PROFILE: Profile = {
  encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
  keyBits: 256,
  replayWindow: 1024,
  extendedSequenceNumbers: true,
};
/** ESP and AH of hosts that negotiate. */
export const TRANSPORT_PROFILE: Profile = {
  ...PROFILE,
  encapsulation: Encapsulation.ENCAPSULATION_NONE,
  mode: IpsecMode.IPSEC_MODE_TRANSPORT,
};
/** For edges that negotiate. */
export const AH_PROFILE: Profile = {
  encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_UNSPECIFIED,
  keyBits: 0,
  replayWindow: 1024,
  extendedSequenceNumbers: true,
  protocol: SecurityProtocol.SECURITY_PROTOCOL_AH,
  integrity: IntegrityAlgorithm.INTEGRITY_ALGORITHM_HMAC_SHA2_256_128,
};

/** A bundle with one tunnel and one policy per family; every list has something to be wrong about. */
export function testBundle(): Bundle {
  return {
    device: { mtu: 1422 },
    underlay: { address: '192.0.2.1', port: 4500 },
    tunnels: [
      {
        tunnelId: TUNNEL_ID,
        peerEdgeId: PEER_ID,
        peerName: 'paris',
        remote: { address: '198.51.100.1', port: 4500 },
        keyingMode: KeyingMode.KEYING_MODE_IKE_LESS,
        profile: { ...PROFILE },
        carries: [],
      },
    ],
    securityPolicies: [
      policy('tcp-out', '10.1.0.0/24', '10.2.0.0/24', 6),
      policy('all-ipv6', '2001:db8:1::/64', '2001:db8:2::/64', undefined),
    ],
    routes: ['10.2.0.0/24', '2001:db8:2::/64'],
    localNetworks: ['10.1.0.0/24', '2001:db8:1::/64'],
    tunnelGroups: [],
    networkMappings: [],
    addressSets: [],
  };
}

/** The same with so many more tunnels, and a policy entry for each. */
export function largeBundle(peers: number): Bundle {
  const bundle = testBundle();
  const [tunnel, entry] = [bundle.tunnels[0], bundle.securityPolicies[0]];
  if (tunnel === undefined || entry === undefined) throw new Error('the test bundle has a tunnel and an entry');
  for (let index = 0; index < peers; index++) {
    const digits = index.toString(16).padStart(12, '0');
    const [tunnelId, peerEdgeId] = [`77777777-7777-8777-8777-${digits}`, `88888888-8888-4888-8888-${digits}`];
    bundle.tunnels.push({ ...tunnel, tunnelId, peerEdgeId, peerName: `branch-${index}` });
    bundle.securityPolicies.push({ ...entry, entryId: `branch-${index}`, tunnelId });
  }
  return bundle;
}

/** Which bundle it is; the defaults fit the test identity. */
export type ManifestChanges = Partial<BundleManifest>;

/** Signs a bundle as a controller would. `content` may be octets that no encoder made. */
export function signBundle(
  key: { readonly signingKey: KeyObject; readonly signingKeyId: string },
  content: Bundle | Uint8Array,
  changes: ManifestChanges = {},
): SignedBundle {
  const octets = Buffer.from(content instanceof Uint8Array ? content : Bundle.encode(content).finish());
  return signManifest(
    key,
    Buffer.from(
      BundleManifest.encode({
        tenantId: TENANT_ID,
        edgeId: EDGE_ID,
        epoch: 5n,
        generation: 10n,
        revision: 3n,
        contentHash: createHash('sha256').update(octets).digest(),
        parentHash: Buffer.alloc(0),
        removalAgreed: false,
        ...changes,
      }).finish(),
    ),
    octets,
  );
}

/** Signs manifest octets as they are. */
export function signManifest(
  key: { readonly signingKey: KeyObject; readonly signingKeyId: string },
  manifest: Buffer,
  content: Buffer,
): SignedBundle {
  const signature = sign(null, Buffer.concat([Buffer.from('weft bundle v1\0'), manifest]), key.signingKey);
  return { manifest, content, signatures: [{ keyId: key.signingKeyId, signature }], preSharedKeys: [] };
}

function policy(
  entryId: string,
  local: string,
  remote: string,
  protocol: number | undefined,
): Bundle['securityPolicies'][number] {
  return {
    entryId,
    ruleId: '66666666-6666-4666-8666-666666666666',
    action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
    tunnelId: TUNNEL_ID,
    selector: {
      localAddresses: [range(local)],
      remoteAddresses: [range(remote)],
      protocol,
      localPorts: [],
      remotePorts: protocol === undefined ? [] : [{ first: 80, last: 443 }],
    },
  };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}
