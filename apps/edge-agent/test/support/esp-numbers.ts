/** Where the sequence number and the explicit IV of AES-GCM stand in an ESP packet (RFC 4303 section 2, RFC 4106 section 3.1). */
const IV = { offset: 8, octets: 8 } as const;

/**
 * What ESP packets on the wire were made with. RFC 4106 section 3.1: "For a given key, the IV MUST NOT repeat." A key has its
 * own SPI at its receiver, so that no SPI may carry an IV twice; nothing on the way of a test repeats packets.
 */
export class EspNumbers {
  readonly #ivs = new Map<string, Set<string>>();
  readonly #repeated: string[] = [];
  #packets = 0;

  /** `esp`: from the SPI on. `destination`: whose SPI it is. */
  take(destination: string, esp: Buffer): void {
    this.#packets++;
    const spi = esp.readUInt32BE(0);
    const iv = esp.toString('latin1', IV.offset, IV.offset + IV.octets);
    const key = `${destination} ${spi}`;
    let seen = this.#ivs.get(key);
    if (seen === undefined) {
      seen = new Set();
      this.#ivs.set(key, seen);
    }
    if (seen.has(iv)) {
      const number = esp.readUInt32BE(4);
      this.#repeated.push(`SPI 0x${spi.toString(16)} to ${destination}, sequence number ${number}`);
    }
    seen.add(iv);
  }

  /** How many packets, of how many associations, and which of them had an IV again. */
  report(): { packets: number; associations: number; repeated: string[] } {
    return { packets: this.#packets, associations: this.#ivs.size, repeated: this.#repeated.slice(0, MOST_TOLD) };
  }
}

const MOST_TOLD = 10;
