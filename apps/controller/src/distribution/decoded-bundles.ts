import type { Bundle } from '@weft/contracts/southbound';
import { decodeBundle } from './bundle-content.js';
import { BundlePool } from './bundle-pool.js';

/** Bundles by the hash of their content: what is desired mostly runs already, and mostly was desired before. */
export class DecodedBundles {
  readonly #bundles: Map<string, Bundle>;
  readonly #pool = new BundlePool();
  #decoded = 0;

  /** `known`: those from before, by hash in hexadecimal. */
  constructor(known: ReadonlyMap<string, Bundle>) {
    this.#bundles = new Map(known);
  }

  /** The bundle whose content has this SHA-256. */
  of(hash: Buffer, octets: Uint8Array): Bundle {
    const key = hash.toString('hex');
    const known = this.#bundles.get(key);
    if (known !== undefined) return known;
    const bundle = this.#pool.shared(decodeBundle(octets));
    this.#bundles.set(key, bundle);
    this.#decoded += 1;
    return bundle;
  }

  /** How many had to be decoded since this was asked last. */
  takeDecoded(): number {
    const decoded = this.#decoded;
    this.#decoded = 0;
    return decoded;
  }
}
