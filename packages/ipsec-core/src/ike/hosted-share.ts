import { Secret } from '../bytes/secret.js';
import { type InitiatedKeyExchange, KeyExchangeError } from '../crypto/ike/key-exchange/key-exchange.js';
import type { JobResult } from './outputs.js';

/** A key share of ours that the host made, and finishes when the peer's is here: before `finish` is called. */
export class HostedShare implements InitiatedKeyExchange {
  readonly method: number;
  readonly publicValue: Uint8Array;
  readonly privateValue: Secret;
  #outcome: Secret | KeyExchangeError | undefined;
  #discarded = false;

  constructor(method: number, publicValue: Uint8Array, privateValue: Secret) {
    this.method = method;
    this.publicValue = publicValue;
    this.privateValue = privateValue;
  }

  /** What the host answered; of no use any more when the share was discarded meanwhile. */
  settle(result: JobResult): void {
    this.privateValue.wipe();
    if (result.kind !== 'share-finished') {
      this.#outcome = new KeyExchangeError(result.kind === 'share-refused' ? result.code : 'not_computed', this.method);
    } else if (this.#discarded) result.shared.wipe();
    else this.#outcome = result.shared;
  }

  finish(): Secret {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome instanceof Secret) return outcome;
    throw outcome ?? new TypeError('The host has not finished the key exchange yet.');
  }

  discard(): void {
    this.#discarded = true;
    this.privateValue.wipe();
    if (this.#outcome instanceof Secret) this.#outcome.wipe();
    this.#outcome = undefined;
  }
}
