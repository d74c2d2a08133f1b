/** What the load says of a range of handshakes. */
export interface LoadResult {
  readonly seconds: number;
  /** Milliseconds from the first message to an established IKE SA, each. */
  readonly latencies: readonly number[];
  readonly failed: number;
  /** Of those that failed the first. */
  readonly failures: readonly string[];
}

/** What our responder is asked: how late its loop was, or what it holds as well. */
export type ResponderQuestion = 'delay' | 'memory';

/** What our responder says of itself since it was asked last. */
export interface ResponderReport {
  /** Child SAs that it has. */
  readonly associations: number;
  /** Octets: resident, and of heap and buffers; after a collection when it was asked for `memory`. */
  readonly resident: number;
  readonly owned: number;
  /** How late the event loop was at most, milliseconds: see LoopDelay. */
  readonly longestDelay: { readonly byClock: number; readonly own: number };
  /** The longest that one input kept the engine, milliseconds. */
  readonly longestInput: number;
}
