/**
 * Packets from one worker to another, through memory that both see: one writes, one reads, and neither waits. Bounded: what
 * finds no room is the writer's to count, or to keep until there is room.
 *
 *     0        64       128       192                                                     192 + octets
 *     +--------+--------+---------+--------+-----+------+-----------------+--------+-----+----+
 *     | head   | tail   | awaited | length | tag | note | packet, padded  | length | tag | …  |
 *     +--------+--------+---------+--------+-----+------+-----------------+--------+-----+----+
 *
 * Head and tail count octets and wrap at 2^31. The head moves when a packet stands whole, and the tail when it has been
 * copied out, so that a thread that ends in between leaves the ring as it was. A packet that does not fit before the end of
 * the memory begins at its start; a length of -1 says so. `awaited` is 1 when the writer wants to be woken once there is room.
 */
export class HandoverRing {
  readonly buffer: SharedArrayBuffer;
  /** What is known of a packet beside its octets: of the next one that is put, or of the one that was taken last. */
  readonly note = new Uint8Array(NOTE_OCTETS);
  /** Of the packet that `take` copied out last. */
  tag = 0;
  /** Whether the reader had taken everything before the packet that was put last: it may sleep, and is to be woken. */
  wasEmpty = false;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #awaited: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    const octets = buffer.byteLength - FRAMING;
    if (octets < 2 * RECORD_HEADER || (octets & (octets - 1)) !== 0) throw new RangeError('octets are a power of two');
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, 1);
    this.#tail = new Int32Array(buffer, 64, 1);
    this.#awaited = new Int32Array(buffer, 128, 1);
    this.#bytes = new Uint8Array(buffer, FRAMING);
    this.#words = new Int32Array(buffer, FRAMING);
  }

  /** A ring for so many octets, a power of two. One packet may take half of them. */
  static of(octets: number): HandoverRing {
    return new HandoverRing(new SharedArrayBuffer(FRAMING + octets));
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#head, 0) === Atomics.load(this.#tail, 0);
  }

  /** Puts a packet and the note. @returns false when there is no room: nothing was written then. */
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
    for (let i = 0; i < NOTE_OCTETS; i++) this.#bytes[at + TAGGED + i] = this.note[i] ?? 0;
    this.#bytes.set(packet.subarray(offset, offset + length), at + RECORD_HEADER);
    Atomics.store(this.#head, 0, (head + skipped + record) & WRAP);
    // Read again behind the store: a reader that is about to sleep has moved the tail first, and looks at the head then. So
    // either it sees this packet, or this sees that it has nothing else to do.
    this.wasEmpty = Atomics.load(this.#tail, 0) === head;
    return true;
  }

  /**
   * Copies the next packet to `out`, its tag to `tag`, and the rest to `note`.
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
    for (let i = 0; i < NOTE_OCTETS; i++) this.note[i] = this.#bytes[at + TAGGED + i] ?? 0;
    out.set(this.#bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length), offset);
    Atomics.store(this.#tail, 0, (tail + recordOctets(length)) & WRAP);
    return length;
  }

  /** The writer wants to be woken when there is room. It tries once more behind this before it sleeps. */
  awaitRoom(): void {
    Atomics.store(this.#awaited, 0, 1);
  }

  /** Whether the writer wants to be woken, which it is then to be; asked when something was taken. */
  isAwaited(): boolean {
    return Atomics.load(this.#awaited, 0) === 1 && Atomics.exchange(this.#awaited, 0, 0) === 1;
  }
}

function recordOctets(length: number): number {
  return RECORD_HEADER + ((length + 7) & ~7);
}

/** Room for a socket address. */
export const NOTE_OCTETS = 32;
/** Head, tail and what is awaited, each in a cache line of its own. */
const FRAMING = 192;
/** Length and tag. */
const TAGGED = 8;
const RECORD_HEADER = TAGGED + NOTE_OCTETS;
const SKIP = -1;
const WRAP = 0x7fffffff;
