import { KeyExchangeMethod, type TunnelStatus } from '@weft/contracts/southbound';
import type { NegotiatedKeyExchange } from './tunnel-state.js';

/**
 * What the keys of a tunnel were made with, by the word of its edges; null while none is established, and while the two do
 * not say the same, as for the moment that one end has a new IKE SA and the other has yet to report it.
 */
export function negotiatedKeyExchange(
  ends: readonly [TunnelStatus | undefined, TunnelStatus | undefined],
): NegotiatedKeyExchange | null {
  const [one, other] = ends.map((status) => (status?.ike?.established === true ? status.ike : undefined));
  if (one === undefined || other === undefined || one.keyExchangeMethods.length === 0) return null;
  const { keyExchangeMethods: methods, ppk } = one;
  if (methods.join() !== other.keyExchangeMethods.join() || ppk !== other.ppk) return null;
  return {
    methods: methods.map((method) => NAMES.get(method) ?? `method ${method}`),
    ppk,
    postQuantum: ppk || methods.some((method) => POST_QUANTUM.has(method)),
  };
}

/** What every tunnel has whose edges agree by messages that the controller relays (docs/adr/0026): there is nothing to choose. */
export const RELAYED_KEY_EXCHANGE: NegotiatedKeyExchange = {
  methods: ['X25519', 'ML-KEM-768'],
  ppk: false,
  postQuantum: true,
};

/** Names as people write them; the numbers are IKEv2 transform type 4 identifiers (IANA). */
const NAMES: ReadonlyMap<number, string> = new Map([
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_256, 'ECP-256'],
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_384, 'ECP-384'],
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_521, 'ECP-521'],
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519, 'X25519'],
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE448, 'X448'],
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_512, 'ML-KEM-512'],
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_768, 'ML-KEM-768'],
  [KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_1024, 'ML-KEM-1024'],
]);

/** One of them is enough: all that were combined must be broken to learn the keys (RFC 9370 section 2.2.2). */
const POST_QUANTUM: ReadonlySet<number> = new Set([
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_512,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_768,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_1024,
]);
