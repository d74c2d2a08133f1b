/**
 * Packets with an SPI that nobody knows here, as far as IKE should hear of them (RFC 7296 section 1.5): of one SPI every ten
 * seconds at most, and of all together ten a second. Anybody can send such packets, and what is said of them goes over the
 * wire. Allocates nothing.
 */
export class UnknownSpis {
  readonly #spis = new Uint32Array(PLACES);
  readonly #toldAt = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY);
  #left = BURST;
  #at = Number.NEGATIVE_INFINITY;

  /** Whether to tell of a packet with this SPI. `now` in milliseconds. */
  take(spi: number, now: number): boolean {
    const place = (spi ^ (spi >>> 16)) & (PLACES - 1);
    if (this.#spis[place] === spi && now - (this.#toldAt[place] ?? 0) < INTERVAL) return false;
    if (now > this.#at) {
      this.#left = Math.min(BURST, this.#left + (now - this.#at) / (1000 / BURST));
      this.#at = now;
    }
    if (this.#left < 1) return false;
    this.#left--;
    this.#spis[place] = spi;
    this.#toldAt[place] = now;
    return true;
  }
}

/** A power of two. */
const PLACES = 256;
const INTERVAL = 10_000;
/** At once, and a second in the long run. */
const BURST = 10;
