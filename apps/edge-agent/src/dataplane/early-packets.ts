import type { IoCounters } from './io-counters.js';
import { spiAt, spiOfPacket } from './outer-packet.js';

/** Takes what was held: an ESP packet from the SPI on, with the ECN field of its outer header; or a whole IP packet. */
export type TakeHeld = (memory: Uint8Array, offset: number, length: number, ecn: number, whole: boolean) => void;

/**
 * Packets that came on a Child SA before it is installed. A responder may send on a new one as soon as its answer has left
 * (RFC 7296 section 2.8), and its packets overtake that answer's way through IKE: they wait here, where they would be lost.
 * Only SPIs that IKE has offered are waited for, which nobody but the peer has seen; each for a bounded time, and all in a
 * bounded memory that is taken once.
 */
export class EarlyPackets {
  readonly #counters: IoCounters;
  readonly #memory = new Uint8Array(PACKETS * PACKET_OCTETS);
  readonly #held: HeldPacket[] = Array.from({ length: PACKETS }, () => ({ spi: 0, length: 0, ecn: 0, whole: false }));
  /** When each SPI is given up. */
  readonly #expected = new Map<number, number>();
  #count = 0;

  constructor(counters: IoCounters) {
    this.#counters = counters;
  }

  /** Whether a packet may be one: false costs nothing more. */
  get expecting(): boolean {
    return this.#expected.size > 0;
  }

  /** `now` in milliseconds of the clock of `expire`. */
  expect(spi: number, now: number): void {
    this.#expected.set(spi, now + PATIENCE);
  }

  /** Takes a copy of an ESP packet whose SPI is expected. False when it is not: it is to be opened as any other. */
  hold(bytes: Uint8Array, offset: number, length: number, ecn: number): boolean {
    return this.#hold(spiAt(bytes, offset, length), bytes, offset, length, ecn, false);
  }

  /** The same for a whole IP packet of ESP or AH, whose header has its ECN field. */
  holdPacket(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#hold(spiOfPacket(bytes, offset, length), bytes, offset, length, 0, true);
  }

  #hold(
    spi: number | undefined,
    bytes: Uint8Array,
    offset: number,
    length: number,
    ecn: number,
    whole: boolean,
  ): boolean {
    if (spi === undefined || !this.#expected.has(spi)) return false;
    const place = this.#held[this.#count];
    if (place === undefined || length > PACKET_OCTETS) {
      this.#counters.drop('early_overflow');
      return true;
    }
    this.#memory.set(bytes.subarray(offset, offset + length), this.#count * PACKET_OCTETS);
    place.spi = spi;
    place.length = length;
    place.ecn = ecn;
    place.whole = whole;
    this.#count++;
    return true;
  }

  /** The association is there: hands over what came on it, in its order, and waits no more. */
  release(spi: number, take: TakeHeld): void {
    if (this.#expected.delete(spi)) this.#takeOut(spi, take);
  }

  /** The peer did not grant what was offered. */
  expire(now: number): void {
    for (const [spi, until] of this.#expected) {
      if (until > now) continue;
      this.release(spi, () => this.#counters.drop('early_expired'));
    }
  }

  #takeOut(spi: number, take: TakeHeld): void {
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      const [from, to] = [this.#held[index], this.#held[kept]];
      if (from === undefined || to === undefined) break;
      const offset = index * PACKET_OCTETS;
      if (from.spi === spi) take(this.#memory, offset, from.length, from.ecn, from.whole);
      else {
        this.#memory.copyWithin(kept * PACKET_OCTETS, offset, offset + from.length);
        Object.assign(to, from);
        kept++;
      }
    }
    this.#count = kept;
  }
}

interface HeldPacket {
  spi: number;
  length: number;
  ecn: number;
  whole: boolean;
}

/** What a few milliseconds bring of a flow whose other end has moved already. */
const PACKETS = 256;
/** Larger than any packet of an underlay without jumbo frames. */
const PACKET_OCTETS = 2048;
/** An answer that takes longer was lost; it comes with the second or third repetition of the request. */
const PATIENCE = 10_000;
