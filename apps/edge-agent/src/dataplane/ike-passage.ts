import type { Endpoint } from '@weft/linux-io';

/**
 * IKE messages from the thread of the packet path to the main one, bounded: what the main thread has not taken yet is
 * counted in memory that both see, since a queue of messages would grow with a flood and nobody could tell.
 */
export class IkePassage {
  readonly #backlog: Int32Array;
  readonly #post: PostIke;

  constructor(backlog: SharedArrayBuffer, post: PostIke) {
    this.#backlog = new Int32Array(backlog);
    this.#post = post;
  }

  /** @returns false when so many wait already that this one is to be dropped. */
  pass(octets: Uint8Array, source: Endpoint, local?: Endpoint): boolean {
    if (Atomics.load(this.#backlog, 0) >= MAXIMUM_BACKLOG) return false;
    Atomics.add(this.#backlog, 0, 1);
    this.#post(octets, source, local);
    return true;
  }
}

/** `local`: where it came to, when that is known. */
type PostIke = (octets: Uint8Array, source: Endpoint, local: Endpoint | undefined) => void;

/** The other end: to be told of every message that arrived. */
export class IkePassageExit {
  readonly backlog = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #waiting = new Int32Array(this.backlog);

  taken(): void {
    Atomics.sub(this.#waiting, 0, 1);
  }
}

/** Some hundred IKE_AUTH messages in fragments; beyond that, retransmission does better than a queue. */
const MAXIMUM_BACKLOG = 512;
