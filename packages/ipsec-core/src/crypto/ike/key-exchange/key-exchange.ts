import type { Secret } from '../../../bytes/secret.js';

/**
 * One key exchange method, shaped like a KEM so that Diffie-Hellman and ML-KEM (draft-ietf-ipsecme-ikev2-mlkem) are
 * the same to the protocol: the initiator makes a share, the responder answers it and has the secret, the initiator
 * finishes with the answer. Public values of the peer are validated in `respond` and `finish` (RFC 6989, FIPS 203
 * section 7.2): a bad one is a KeyExchangeError, never a weak secret.
 */
export interface KeyExchangeProvider {
  readonly name: string;
  /** IANA numbers. */
  readonly methods: readonly number[];
  /** Those whose computations take longer than a quarter of a millisecond: the engine leaves them to its host as jobs. */
  readonly costly: ReadonlySet<number>;
  /** Throws KeyExchangeError `unsupported_method`. */
  initiate(method: number, random: RandomSource): InitiatedKeyExchange;
  /** Throws KeyExchangeError. */
  respond(method: number, peerPublic: Uint8Array, random: RandomSource): AnsweredKeyExchange;
  /** Finishes what was initiated elsewhere, such as in another thread. Throws KeyExchangeError. Wipes the private value. */
  finish(method: number, privateValue: Secret, peerPublic: Uint8Array): Secret;
}

export interface InitiatedKeyExchange {
  readonly method: number;
  readonly publicValue: Uint8Array;
  /** For `KeyExchangeProvider.finish`, should this one be finished elsewhere. */
  readonly privateValue: Secret;
  /** Throws KeyExchangeError. May be called once; the private value is wiped. */
  finish(peerPublic: Uint8Array): Secret;
  /** Wipes the private value of an exchange that will not be finished. */
  discard(): void;
}

export interface AnsweredKeyExchange {
  readonly publicValue: Uint8Array;
  readonly shared: Secret;
}

export type RandomSource = (out: Uint8Array) => void;

export type KeyExchangeErrorCode = 'unsupported_method' | 'bad_length' | 'bad_public_value' | 'not_computed';

export class KeyExchangeError extends Error {
  readonly code: KeyExchangeErrorCode;
  readonly method: number;

  constructor(code: KeyExchangeErrorCode, method: number) {
    super(`Key exchange method ${method}: ${TEXT[code]}`);
    this.name = 'KeyExchangeError';
    this.code = code;
    this.method = method;
  }
}

const TEXT: Readonly<Record<KeyExchangeErrorCode, string>> = {
  unsupported_method: 'this provider does not have it.',
  bad_length: 'the public value has the wrong length for it.',
  bad_public_value: 'the public value is not a valid one.',
  not_computed: 'the host could not compute it.',
};
