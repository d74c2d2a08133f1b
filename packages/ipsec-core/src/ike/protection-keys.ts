import type { Secret } from '../bytes/secret.js';
import { type IkeKeys, mixPpk, wipeDerivation, wipeKeys } from '../crypto/ike/key-schedule.js';
import type { MessageProtection } from './protection.js';

/** The keys of one IKE SA, and what seals and opens its messages with them. IKE_INTERMEDIATE replaces both (RFC 9242). */
export class ProtectionKeys {
  readonly current: MessageProtection;
  /** Of the keys before the latest IKE_INTERMEDIATE, whose request the peer may repeat. */
  readonly previous: MessageProtection | undefined;
  #keys: IkeKeys;
  /** With a PPK mixed in, until it is settled whether they are used. */
  #mixed: IkeKeys | undefined;

  constructor(keys: IkeKeys, current: MessageProtection, previous?: MessageProtection) {
    this.#keys = keys;
    this.current = current;
    this.previous = previous;
  }

  get keys(): IkeKeys {
    return this.#keys;
  }

  /** Of those before, only the last are kept. */
  succeededBy(keys: IkeKeys, next: MessageProtection): ProtectionKeys {
    this.previous?.destroy();
    return new ProtectionKeys(keys, next, this.current);
  }

  /** Without those before. */
  alone(): ProtectionKeys {
    if (this.previous === undefined) return this;
    this.previous.destroy();
    return new ProtectionKeys(this.#keys, this.current);
  }

  /** SK_d, SK_pi and SK_pr with a PPK mixed in (RFC 8784): used from when `settlePpk` says so. */
  mix(ppk: Secret): IkeKeys {
    this.#mixed = mixPpk(this.#keys, ppk);
    return this.#mixed;
  }

  /** Wipes what is not used. What seals messages stays as it is either way. */
  settlePpk(used: boolean): void {
    const mixed = this.#mixed;
    if (mixed === undefined) return;
    this.#mixed = undefined;
    wipeDerivation(used ? this.#keys : mixed);
    if (used) this.#keys = mixed;
  }

  destroy(): void {
    this.current.destroy();
    this.previous?.destroy();
    if (this.#mixed !== undefined) wipeDerivation(this.#mixed);
    wipeKeys(this.#keys);
  }
}
