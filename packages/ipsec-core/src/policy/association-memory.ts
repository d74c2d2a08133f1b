/**
 * What an association must not forget when the engine that works with it ends, in the middle of a packet or not. The
 * buffer belongs to whoever installs the association; an engine that is given it again takes the association up where the
 * last one left it. In a SharedArrayBuffer other threads can read it while packets pass.
 *
 *     0           8          16             24            32      36     40         48          52         56
 *     +-----------+----------+--------------+-------------+-------+------+----------+-----------+----------+----------+
 *     | packets   | octets   | last used at | installed at| high  | low  | reserved | takeovers | path MTU | until    |
 *     +-----------+----------+--------------+-------------+-------+------+----------+-----------+----------+----------+
 *
 * One engine at a time writes it, but for the path MTU (`PathMtu`): that any engine may be told of. The one packet that was
 * under way may be missing from the counters, and from nothing else: a number is reserved before it is used
 * (`SequenceCounter`), and the right edge of the replay window is written before the packet that moved it is delivered
 * (`AntiReplayWindow`).
 */
export class AssociationMemory {
  /** By ASSOCIATION_COUNTER. Each is one aligned double, so that a reader in another thread sees no half of a write. */
  readonly counters: Float64Array;
  /** High and low half of the last number sent, or of the highest number accepted. */
  readonly sequence: Uint32Array;
  /** Outbound: blocks of sequence numbers that were ever taken. Only Atomics touch it. */
  readonly reserved: BigUint64Array;
  /** Outbound: what unauthenticated messages have lowered the path MTU to, and what a probe has found; 0: none has. */
  readonly pathMtu: Uint16Array;
  /** Outbound: when the former no longer holds; 0: nothing has lowered it. */
  readonly pathMtuUntil: Float64Array;
  readonly #takeovers: Uint32Array;

  /** Throws RangeError when the buffer is smaller than ASSOCIATION_MEMORY_OCTETS. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(ASSOCIATION_MEMORY_OCTETS)) {
    this.counters = new Float64Array(buffer, 0, 4);
    this.sequence = new Uint32Array(buffer, 32, 2);
    this.reserved = new BigUint64Array(buffer, 40, 1);
    this.#takeovers = new Uint32Array(buffer, 48, 1);
    this.pathMtu = new Uint16Array(buffer, 52, 2);
    this.pathMtuUntil = new Float64Array(buffer, 56, 1);
  }

  /** For an engine that begins to work with it, at `now`. @returns whether another one has done so before. */
  takeOver(now: number): boolean {
    const before = this.#takeovers[0] ?? 0;
    if (before === 0) this.counters[ASSOCIATION_COUNTER.installedAt] = now;
    this.#takeovers[0] = before + 1;
    return before > 0;
  }

  get packets(): number {
    return this.counters[ASSOCIATION_COUNTER.packets] ?? 0;
  }

  get bytes(): number {
    return this.counters[ASSOCIATION_COUNTER.bytes] ?? 0;
  }

  get lastUsedAt(): number | undefined {
    return this.packets === 0 ? undefined : this.counters[ASSOCIATION_COUNTER.lastUsedAt];
  }

  get installedAt(): number {
    return this.counters[ASSOCIATION_COUNTER.installedAt] ?? 0;
  }
}

export const ASSOCIATION_COUNTER = { packets: 0, bytes: 1, lastUsedAt: 2, installedAt: 3 } as const;

/** A cache line, so that two associations in the hands of two processors do not share one. */
export const ASSOCIATION_MEMORY_OCTETS = 64;
