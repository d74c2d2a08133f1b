/**
 * HalfSipHash-2-4 (Aumasson and Bernstein) of whole 32-bit words: 64-bit key, 32-bit result. For tables and labels whose
 * values an outsider must neither foresee nor steer; too short to authenticate anything. Reused: `begin`, `add`, `end`.
 */
export class HalfSipHash {
  readonly #k0: number;
  readonly #k1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;
  #octets = 0;

  /** Two words of key, least significant octet first as the reference has it. */
  constructor(k0: number, k1: number) {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
  }

  begin(): this {
    this.#v0 = this.#k0;
    this.#v1 = this.#k1;
    this.#v2 = 0x6c796765 ^ this.#k0;
    this.#v3 = 0x74656462 ^ this.#k1;
    this.#octets = 0;
    return this;
  }

  add(word: number): this {
    this.#v3 ^= word;
    this.#round();
    this.#round();
    this.#v0 ^= word;
    this.#octets = (this.#octets + 4) & 0xff;
    return this;
  }

  /** Unsigned, 0..2^32-1. */
  end(): number {
    const last = this.#octets << 24;
    this.#v3 ^= last;
    this.#round();
    this.#round();
    this.#v0 ^= last;
    this.#v2 ^= 0xff;
    for (let i = 0; i < 4; i++) this.#round();
    return (this.#v1 ^ this.#v3) >>> 0;
  }

  #round(): void {
    this.#v0 = (this.#v0 + this.#v1) | 0;
    this.#v1 = rotateLeft(this.#v1, 5) ^ this.#v0;
    this.#v0 = rotateLeft(this.#v0, 16);
    this.#v2 = (this.#v2 + this.#v3) | 0;
    this.#v3 = rotateLeft(this.#v3, 8) ^ this.#v2;
    this.#v0 = (this.#v0 + this.#v3) | 0;
    this.#v3 = rotateLeft(this.#v3, 7) ^ this.#v0;
    this.#v2 = (this.#v2 + this.#v1) | 0;
    this.#v1 = rotateLeft(this.#v1, 13) ^ this.#v2;
    this.#v2 = rotateLeft(this.#v2, 16);
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
