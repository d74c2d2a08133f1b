import { Secret } from '../bytes/secret.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { FIRST_SPI } from '../wire/esp.js';
import { keyingMaterialOf, nextChainKey, spiOf } from './key-schedule.js';

/** One association of a root, in one direction. Whoever takes the keying material wipes it. */
export interface DerivedAssociation {
  readonly number: number;
  readonly spi: number;
  readonly keyingMaterial: Secret;
}

/** A ratchet: it knows the key of its position and of everything behind it, and nothing of what it has passed. */
export class Chain {
  readonly #provider: CryptoProvider;
  #key: Secret;
  #position: number;

  /** Owns the key. */
  constructor(provider: CryptoProvider, key: Secret, position: number) {
    this.#provider = provider;
    this.#key = key;
    this.#position = position;
  }

  /** Number of the first association that can still be made. */
  get position(): number {
    return this.#position;
  }

  get exhausted(): boolean {
    return this.#position >= ASSOCIATIONS_PER_ROOT;
  }

  /** Passes what is before the position, for good. */
  advanceTo(position: number): void {
    const end = Math.min(position, ASSOCIATIONS_PER_ROOT);
    while (this.#position < end) {
      this.#key = nextChainKey(this.#provider, this.#key);
      this.#position++;
    }
  }

  /**
   * Makes the next association and passes it; undefined when there is none left. Numbers whose SPI is reserved
   * (RFC 4303 section 2.1) are passed over, at both ends alike.
   */
  take(keyingMaterialLength: number): DerivedAssociation | undefined {
    while (!this.exhausted) {
      const number = this.#position;
      const spi = spiOf(this.#provider, this.#key);
      const taken = spi >= FIRST_SPI && keyingMaterialOf(this.#provider, this.#key, keyingMaterialLength);
      this.advanceTo(number + 1);
      if (taken !== false) return { number, spi, keyingMaterial: taken };
    }
    return undefined;
  }

  /** The SPIs of the next `count` numbers. Nothing is passed. */
  spisAhead(count: number): ReadonlyMap<number, number> {
    const ahead = this.copy();
    const spis = new Map<number, number>();
    for (const end = this.#position + count; ahead.position < end && !ahead.exhausted; ) {
      const spi = spiOf(this.#provider, ahead.#key);
      if (spi >= FIRST_SPI && !spis.has(spi)) spis.set(spi, ahead.position);
      ahead.advanceTo(ahead.position + 1);
    }
    ahead.wipe();
    return spis;
  }

  copy(): Chain {
    return new Chain(
      this.#provider,
      this.#key.reveal((octets) => new Secret(octets)),
      this.#position,
    );
  }

  /** Lends the key, to be stored. */
  reveal<T>(borrow: (key: Uint8Array) => T): T {
    return this.#key.reveal(borrow);
  }

  wipe(): void {
    this.#key.wipe();
  }
}

/** Restarts use up some; who gets near it asks for another root. */
export const ASSOCIATIONS_PER_ROOT = 4096;
