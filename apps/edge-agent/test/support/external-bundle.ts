import { createHash } from 'node:crypto';
import {
  type Bundle,
  EncryptionAlgorithm,
  type ExternalPeer,
  KeyExchangeMethod,
  KeyingMode,
  type PreSharedKey,
  PseudorandomFunction,
} from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { testBundle } from './test-bundle.js';

/** The key of the gateway in `externalBundle`. */
export const PRE_SHARED_KEY: PreSharedKey = {
  salt: Buffer.alloc(32, 0x5a),
  key: Buffer.from('correct horse battery staple'),
};

/** The test bundle, in which the peer is no edge. */
export function externalBundle(key: PreSharedKey = PRE_SHARED_KEY): Bundle {
  const bundle = testBundle();
  const [tunnel] = bundle.tunnels;
  if (tunnel?.profile === undefined) throw new Error('the test bundle has a tunnel');
  const keyExchange = { method: KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519, additionalMethods: [] };
  const encryption = EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16;
  const prf = PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_256;
  const external = {
    ...tunnel,
    profile: { ...tunnel.profile, extendedSequenceNumbers: false },
    keyingMode: KeyingMode.KEYING_MODE_IKEV2,
    ike: {
      proposals: [{ encryption, keyBits: 128, prf, keyExchange }],
      childKeyExchange: keyExchange,
      ikeLifetimeSeconds: 14_400,
      childLifetimeSeconds: 3600,
      livenessSeconds: 10,
      revokedSerials: [],
    },
    externalPeer: externalPeer(key),
  };
  return { ...bundle, tunnels: [external] };
}

/** The same where certificates prove who is who: what is pinned for the gateway, DER. */
export function certificateBundle(certificates: Buffer[]): Bundle {
  const bundle = externalBundle();
  const { externalPeer: peer } = bundle.tunnels[0] ?? {};
  if (peer === undefined) throw new Error('the bundle has an external peer');
  delete peer.localIdentity;
  peer.authentication = { $case: 'pinnedCertificates', value: { certificates } };
  return bundle;
}

function externalPeer({ salt, key }: PreSharedKey): ExternalPeer {
  return {
    localIdentity: { type: 2, data: Buffer.from('edge.example') },
    remoteIdentity: { type: 1, data: Buffer.of(198, 51, 100, 1) },
    authentication: {
      $case: 'preSharedKeyCommitment',
      value: createHash('sha256').update('weft pre-shared key v1\0').update(salt).update(key).digest(),
    },
    localAddresses: [range('10.1.0.0/24')],
    remoteAddresses: [range('10.2.0.0/24'), range('2001:db8:2::/64')],
  };
}

function range(prefix: string): { first: Buffer; last: Buffer } {
  const { first, last } = parsePrefix(prefix).range;
  return { first: Buffer.from(first), last: Buffer.from(last) };
}
