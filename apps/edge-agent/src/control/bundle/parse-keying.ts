import {
  type ControllerBlindConfiguration,
  type IkeConfiguration,
  type IkeProposal as IkeProposalMessage,
  type KeyExchange,
  KeyExchangeMethod,
  KeyingMode,
  PseudorandomFunction,
  type Tunnel,
  TunnelStart as TunnelStartMessage,
} from '@weft/contracts/southbound';
import { serialValue } from '../../ike/credentials/serial-number.js';
import { AT_ONCE } from '../../ike/tunnel-start.js';
import { RejectionError } from '../rejection.js';
import { integerWithin, limited, required } from './field.js';
import { parseCombinedMode } from './parse-combined-mode.js';
import type {
  BlindLifetimes,
  IkeNegotiation,
  IkeProposal,
  KeyExchangeMethods,
  TunnelKeying,
} from './verified-bundle.js';

/** Who makes the keys of a tunnel. Throws RejectionError, also when IKE is configured for one that does not use it. */
export function parseKeying(path: string, { keyingMode, ike, controllerBlind }: Tunnel): TunnelKeying {
  const { KEYING_MODE_IKEV2, KEYING_MODE_IKE_LESS, KEYING_MODE_CONTROLLER_BLIND } = KeyingMode;
  if (ike !== undefined && keyingMode !== KEYING_MODE_IKEV2) {
    throw new RejectionError(`${path}.ike`, 'unexpected_value', 'nothing is negotiated in this keying mode');
  }
  if (controllerBlind !== undefined && keyingMode !== KEYING_MODE_CONTROLLER_BLIND) {
    throw new RejectionError(`${path}.controller_blind`, 'unexpected_value', 'no key shares are relayed in this mode');
  }
  switch (keyingMode) {
    case KEYING_MODE_IKE_LESS:
      return { mode: 'ike-less' };
    case KEYING_MODE_IKEV2:
      return { mode: 'ikev2', negotiation: parseIke(`${path}.ike`, required(`${path}.ike`, ike)) };
    case KEYING_MODE_CONTROLLER_BLIND: {
      const at = `${path}.controller_blind`;
      return { mode: 'controller-blind', ...parseBlind(at, required(at, controllerBlind)) };
    }
    default:
      throw new RejectionError(`${path}.keying_mode`, 'unsupported_value', `keying mode ${keyingMode} is unknown here`);
  }
}

function parseBlind(path: string, message: ControllerBlindConfiguration): BlindLifetimes {
  const { softLifetimeSeconds: soft, hardLifetimeSeconds: hard, revokedSerials } = message;
  const lifetime = (field: string, value: number, lowest: number) =>
    1000 * integerWithin(`${path}.${field}`, value, lowest, MAX_LIFETIME_SECONDS);
  return {
    softLifetime: lifetime('soft_lifetime_seconds', soft, MIN_LIFETIME_SECONDS),
    hardLifetime: lifetime('hard_lifetime_seconds', hard, soft + 1),
    revokedSerials: parseSerials(`${path}.revoked_serials`, revokedSerials),
  };
}

function parseIke(path: string, message: IkeConfiguration): IkeNegotiation {
  const proposals = limited(`${path}.proposals`, message.proposals, MAX_PROPOSALS).map((proposal, index) =>
    parseProposal(`${path}.proposals[${index}]`, proposal),
  );
  if (proposals.length === 0) throw new RejectionError(`${path}.proposals`, 'missing_field', 'there is no proposal');
  const seconds = (field: string, value: number, lowest: number) =>
    1000 * integerWithin(`${path}.${field}`, value, lowest, MAX_LIFETIME_SECONDS);
  return {
    proposals,
    childKeyExchange:
      message.childKeyExchange && parseKeyExchange(`${path}.child_key_exchange`, message.childKeyExchange),
    ikeLifetime: seconds('ike_lifetime_seconds', message.ikeLifetimeSeconds, MIN_LIFETIME_SECONDS),
    childLifetime: seconds('child_lifetime_seconds', message.childLifetimeSeconds, MIN_LIFETIME_SECONDS),
    livenessInterval: seconds('liveness_seconds', message.livenessSeconds, 1),
    start: parseStart(path, message),
    revokedSerials: parseSerials(`${path}.revoked_serials`, message.revokedSerials),
  };
}

function parseStart(path: string, { start, idleSeconds }: IkeConfiguration): IkeNegotiation['start'] {
  switch (start) {
    case undefined:
    case TunnelStartMessage.TUNNEL_START_AT_ONCE:
      if (idleSeconds === undefined) return AT_ONCE;
      throw new RejectionError(
        `${path}.idle_seconds`,
        'unexpected_value',
        'a tunnel that starts at once is never idle',
      );
    case TunnelStartMessage.TUNNEL_START_TRAP: {
      if (idleSeconds === undefined) return { kind: 'trap', idle: undefined };
      const seconds = integerWithin(`${path}.idle_seconds`, idleSeconds, MIN_IDLE_SECONDS, MAX_LIFETIME_SECONDS);
      return { kind: 'trap', idle: 1000 * seconds };
    }
    default:
      throw new RejectionError(`${path}.start`, 'unsupported_value', `start ${start} is unknown here`);
  }
}

/** RFC 5280 section 4.1.2.2: "Conforming CAs MUST NOT use serialNumber values longer than 20 octets." */
function parseSerials(path: string, serials: readonly Buffer[]): ReadonlySet<string> {
  return new Set(
    limited(path, serials, MAX_REVOKED_SERIALS).map((serial, index) => {
      integerWithin(`${path}[${index}]`, serial.length, 1, MAX_SERIAL_OCTETS);
      return serialValue(serial.toString('hex'));
    }),
  );
}

function parseProposal(path: string, proposal: IkeProposalMessage): IkeProposal {
  const { prf, keyExchange } = proposal;
  const cipher = parseCombinedMode(path, proposal);
  if (!PRFS.has(prf)) throw new RejectionError(`${path}.prf`, 'unsupported_value', `function ${prf} is unknown here`);
  const exchange = required(`${path}.key_exchange`, keyExchange);
  return { ...cipher, prf, keyExchange: parseKeyExchange(`${path}.key_exchange`, exchange) };
}

function parseKeyExchange(path: string, { method, additionalMethods }: KeyExchange): KeyExchangeMethods {
  const known = (at: string, value: KeyExchangeMethod): number => {
    if (METHODS.has(value)) return value;
    throw new RejectionError(at, 'unsupported_value', `key exchange method ${value} is unknown here`);
  };
  return {
    method: known(`${path}.method`, method),
    additional: limited(`${path}.additional_methods`, additionalMethods, MAX_ADDITIONAL).map((value, index) =>
      known(`${path}.additional_methods[${index}]`, value),
    ),
  };
}

/** The numbers are IANA's. */
const PRFS: ReadonlySet<PseudorandomFunction> = new Set([
  PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_256,
  PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_384,
  PseudorandomFunction.PSEUDORANDOM_FUNCTION_HMAC_SHA2_512,
]);
const METHODS: ReadonlySet<KeyExchangeMethod> = new Set([
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_256,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_384,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ECP_521,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE25519,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_CURVE448,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_512,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_768,
  KeyExchangeMethod.KEY_EXCHANGE_METHOD_ML_KEM_1024,
]);
const MAX_PROPOSALS = 16;
/** RFC 9370 section 4.1: ADDKE1 to ADDKE7. */
const MAX_ADDITIONAL = 7;
const MIN_LIFETIME_SECONDS = 60;
const MAX_LIFETIME_SECONDS = 30 * 24 * 3600;
/** Less than what a negotiation takes with a peer that is far would end what has just begun. */
const MIN_IDLE_SECONDS = 10;
const MAX_REVOKED_SERIALS = 1024;
const MAX_SERIAL_OCTETS = 20;
