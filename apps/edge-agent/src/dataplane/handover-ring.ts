/**
 * Packets from one worker to another, through memory that both see: one writes, one reads, and neither waits. Bounded: what
 * finds no room is the writer's to count.
 *
 *     0        64       128                                                   128 + octets
 *     +--------+--------+--------+-----+-----------------+--------+-----+----+
 *     | head   | tail   | length | tag | packet, padded  | length | tag | …  |
 *     +--------+--------+--------+-----+-----------------+--------+-----+----+
 *
 * Head and tail count octets and wrap at 2^31. The head moves when a packet stands whole, and the tail when it has been
 * copied out, so that a thread that ends in between leaves the ring as it was. A packet that does not fit before the end of
 * the memory begins at its start; a length of -1 says so.
 */
export class HandoverRing {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  /** Of the packet that `take` copied out last. */
  tag = 0;

  constructor(buffer = new SharedArrayBuffer(FRAMING + DEFAULT_OCTETS)) {
    const octets = buffer.byteLength - FRAMING;
    if (octets < 2 * RECORD_HEADER || (octets & (octets - 1)) !== 0) throw new RangeError('octets are a power of two');
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, 1);
    this.#tail = new Int32Array(buffer, 64, 1);
    this.#bytes = new Uint8Array(buffer, FRAMING);
    this.#words = new Int32Array(buffer, FRAMING);
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#head, 0) === Atomics.load(this.#tail, 0);
  }

  /** @returns false when there is no room: nothing was written then. */
  put(packet: Uint8Array, offset: number, length: number, tag: number): boolean {
    const octets = this.#bytes.length;
    const head = Atomics.load(this.#head, 0);
    const used = (head - Atomics.load(this.#tail, 0)) & WRAP;
    const record = recordOctets(length);
    const toEnd = octets - (head & (octets - 1));
    const skipped = record > toEnd ? toEnd : 0;
    if (used + skipped + record > octets) return false;
    let at = head & (octets - 1);
    if (skipped > 0) {
      this.#words[at >>> 2] = SKIP;
      at = 0;
    }
    this.#words[at >>> 2] = length;
    this.#words[(at >>> 2) + 1] = tag;
    this.#bytes.set(packet.subarray(offset, offset + length), at + RECORD_HEADER);
    Atomics.store(this.#head, 0, (head + skipped + record) & WRAP);
    return true;
  }

  /**
   * Copies the next packet to `out`, and its tag to `tag`.
   * @returns its length; -1 when there is none. One that `out` has no room for is a mistake: RangeError.
   */
  take(out: Uint8Array, offset: number): number {
    const octets = this.#bytes.length;
    let tail = Atomics.load(this.#tail, 0);
    if (tail === Atomics.load(this.#head, 0)) return -1;
    let at = tail & (octets - 1);
    if (this.#words[at >>> 2] === SKIP) {
      tail += octets - at;
      at = 0;
    }
    const length = this.#words[at >>> 2] ?? 0;
    this.tag = this.#words[(at >>> 2) + 1] ?? 0;
    out.set(this.#bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length), offset);
    Atomics.store(this.#tail, 0, (tail + recordOctets(length)) & WRAP);
    return length;
  }
}

function recordOctets(length: number): number {
  return RECORD_HEADER + ((length + 7) & ~7);
}

/** Head and tail, each in a cache line of its own. */
const FRAMING = 128;
const RECORD_HEADER = 8;
const SKIP = -1;
const WRAP = 0x7fffffff;
/** Some hundred full packets: what arrives while the other worker is busy with one turn of its own. */
const DEFAULT_OCTETS = 1 << 18;
