import type { RandomSource } from '../crypto/ike/key-exchange/key-exchange.js';
import type { Lineage } from './lineage.js';

/** Our inbound SPIs of Child SAs: no two alike, and whose each is. */
export class ChildSpis {
  readonly #owners = new Map<number, Lineage>();
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** A random one of 256 or more (RFC 4303 section 2.1), to be released when its SA is gone or was never made. */
  allocate(owner: Lineage): number {
    const octets = new Uint8Array(4);
    for (;;) {
      this.#random(octets);
      const spi = new DataView(octets.buffer).getUint32(0);
      if (spi < FIRST_SPI || this.#owners.has(spi)) continue;
      this.#owners.set(spi, owner);
      return spi;
    }
  }

  release(spi: number): void {
    this.#owners.delete(spi);
  }

  ownerOf(spi: number): Lineage | undefined {
    return this.#owners.get(spi);
  }

  get count(): number {
    return this.#owners.size;
  }
}

const FIRST_SPI = 256;
