import type { Bundle } from '@weft/contracts/southbound';
import { decodeBundle } from './bundle-content.js';
import { BundlePool } from './bundle-pool.js';

/** A bundle that is in memory, with the octets that it was decoded from. */
export interface DecodedBundle {
  readonly octets: Buffer;
  readonly bundle: Bundle;
}

/**
 * Bundles by the hash of their content: what is desired mostly runs already, and mostly was desired before. What is known has neither to
 * be read nor to be decoded again.
 */
export class DecodedBundles {
  readonly #bundles: Map<string, DecodedBundle>;
  readonly #pool = new BundlePool();
  #decoded = 0;

  /** `known`: those from before, by hash in hexadecimal. */
  constructor(known: ReadonlyMap<string, DecodedBundle>) {
    this.#bundles = new Map(known);
  }

  /** The bundle whose content has this SHA-256. `octets`: undefined when it is known. */
  of(hash: Buffer, octets: Buffer | undefined): DecodedBundle {
    const key = hash.toString('hex');
    const known = this.#bundles.get(key);
    if (known !== undefined) return known;
    if (octets === undefined) throw new Error(`the content of bundle ${key} was not read, and is not known`);
    const decoded = { octets, bundle: this.#pool.shared(decodeBundle(octets)) };
    this.#bundles.set(key, decoded);
    this.#decoded += 1;
    return decoded;
  }

  /** How many had to be decoded since this was asked last. */
  takeDecoded(): number {
    const decoded = this.#decoded;
    this.#decoded = 0;
    return decoded;
  }
}
