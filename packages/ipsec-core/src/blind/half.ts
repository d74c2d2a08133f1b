import type { Secret } from '../bytes/secret.js';
import type { KeyExchangeProvider, RandomSource } from '../crypto/ike/key-exchange/key-exchange.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { KeyShareMessage } from './key-share-message.js';
import type { KeyingOutput } from './outputs.js';
import type { Refusal } from './refusal.js';
import type { Roots } from './roots.js';
import type { TunnelTerms } from './terms.js';

export interface KeyingCrypto {
  readonly provider: CryptoProvider;
  /** With Curve25519 and ML-KEM-768. */
  readonly keyExchange: KeyExchangeProvider;
  readonly random: RandomSource;
}

/** What the two halves of the exchange share with each other: what a tunnel is about, and where it stands. */
export interface HalfHost {
  readonly terms: TunnelTerms;
  readonly crypto: KeyingCrypto;
  readonly roots: Roots;
  /** Time that has passed for the tunnel, milliseconds. */
  readonly clock: number;
  /** Highest number that was offered or answered. */
  highest: number;
  /** What was said last; empty when there is nothing. */
  published: Uint8Array;
  emit(output: KeyingOutput): void;
  store(): void;
  /** In place of a signature that is still waited for. */
  sign(octets: Uint8Array, done: (signed: SignedBy | undefined) => void): void;
}

export interface SignedBy {
  readonly signature: Uint8Array;
  readonly certificates: readonly Uint8Array[];
}

/** What one of the two roles does. */
export interface Half {
  readonly expects: 'offer' | 'answer';
  /** Looks at a message that names the tunnel and its ends as they are, before its signature is checked. */
  check(message: KeyShareMessage): CheckedShare;
  /** Takes one that the peer has signed. */
  take(message: KeyShareMessage): Refusal | undefined;
  /** Does what is due. */
  elapse(): void;
  /** By the clock of the tunnel. */
  readonly deadline: number;
  end(): void;
}

/** To be verified, or done with: refused, or taken because it was verified before. */
export type CheckedShare = 'verify' | 'taken' | Refusal;

/** Runs something; the first of two secrets does not stay when there is no second. */
export function wipingUnless<T>(secret: Secret, run: () => T): T {
  try {
    return run();
  } catch (error) {
    secret.wipe();
    throw error;
  }
}

/** Says again what was said last: whoever relays it, or the peer, may have lost it. */
export function publishAgain({ published, emit }: HalfHost): void {
  if (published.length > 0) emit({ kind: 'publish', message: published });
}
