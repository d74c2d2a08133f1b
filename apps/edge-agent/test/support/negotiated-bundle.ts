import {
  type Bundle,
  type Encapsulation,
  EncryptionAlgorithm,
  KeyExchangeMethod,
  KeyingMode,
  PseudorandomFunction,
  SecurityPolicyAction,
} from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';

/** One end of a tunnel. */
export interface NegotiatingSite {
  readonly id: string;
  readonly underlay: string;
  /** Behind it. */
  readonly network: string;
}

export const TUNNEL = '00000000-0000-4000-8000-00000000000a';

/** A bundle with one tunnel, which the edges key themselves, for everything between two networks. */
export function negotiatedBundle(
  local: NegotiatingSite,
  remote: NegotiatingSite,
  encapsulation?: Encapsulation,
): Bundle {
  const range = (prefix: string) => {
    const { first, last } = parsePrefix(prefix).range;
    return { first: Buffer.from(first), last: Buffer.from(last) };
  };
  return {
    device: { mtu: 1418 },
    underlay: { address: local.underlay, port: 4500 },
    tunnels: [
      {
        tunnelId: TUNNEL,
        peerEdgeId: remote.id,
        peerName: 'peer',
        remote: { address: remote.underlay, port: 4500 },
        keyingMode: KeyingMode.KEYING_MODE_IKEV2,
        profile: {
          encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
          keyBits: 256,
          replayWindow: 1024,
          extendedSequenceNumbers: true,
          ...(encapsulation === undefined ? {} : { encapsulation }),
        },
        ike: {
          proposals: [
            {
              encryption: EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16,
              keyBits: 256,
              prf: PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_384,
              keyExchange: HYBRID,
            },
          ],
          childKeyExchange: HYBRID,
          ikeLifetimeSeconds: 14_400,
          childLifetimeSeconds: 3600,
          revokedSerials: [],
          livenessSeconds: 10,
        },
        carries: [],
      },
    ],
    securityPolicies: [
      {
        entryId: 'entry',
        ruleId: '00000000-0000-4000-8000-0000000000ff',
        action: SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
        tunnelId: TUNNEL,
        selector: {
          localAddresses: [range(local.network)],
          remoteAddresses: [range(remote.network)],
          localPorts: [],
          remotePorts: [],
        },
      },
    ],
    routes: [remote.network],
    localNetworks: [local.network],
    tunnelGroups: [],
    networkMappings: [],
    addressSets: [],
  };
}

const HYBRID = {
  method: KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519,
  additionalMethods: [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_768],
};
