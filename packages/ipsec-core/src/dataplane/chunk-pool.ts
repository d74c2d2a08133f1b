import { copyOctets } from '../bytes/octets.js';

/**
 * A fixed amount of memory in chunks of one size, of which chains are made: whatever is stored costs about what it is
 * long, and nothing is ever allocated or moved. A chain is named by its first chunk.
 */
export class ChunkPool {
  readonly #chunks: number;
  /** Made when first needed: most edges never hold a fragment. */
  #memory: Uint8Array | undefined;
  readonly #next: Int32Array;
  #free = 0;
  #available: number;

  /** `octets`, rounded down to whole chunks. */
  constructor(octets: number) {
    this.#chunks = Math.floor(octets / CHUNK_LENGTH);
    this.#next = new Int32Array(this.#chunks).map((_, i) => (i + 1 < this.#chunks ? i + 1 : NONE));
    this.#available = this.#chunks;
  }

  /** Most chains that there can be. */
  get capacity(): number {
    return this.#chunks;
  }

  get octetsInUse(): number {
    return (this.#chunks - this.#available) * CHUNK_LENGTH;
  }

  /** Stores 1 or more octets; NONE when there is no room for all of them. */
  store(from: Uint8Array, offset: number, length: number): number {
    const needed = Math.ceil(length / CHUNK_LENGTH);
    if (needed > this.#available || needed === 0) return NONE;
    this.#memory ??= new Uint8Array(this.#chunks * CHUNK_LENGTH);
    const first = this.#free;
    let chunk = first;
    let last = first;
    for (let done = 0; done < length; done += CHUNK_LENGTH) {
      copyOctets(from, offset + done, Math.min(CHUNK_LENGTH, length - done), this.#memory, chunk * CHUNK_LENGTH);
      last = chunk;
      chunk = this.#next[chunk] ?? NONE;
    }
    this.#free = chunk;
    this.#next[last] = NONE;
    this.#available -= needed;
    return first;
  }

  /** Copies the first `length` octets of a chain. */
  load(chain: number, length: number, to: Uint8Array, offset: number): void {
    const memory = this.#memory;
    let chunk = chain;
    for (let done = 0; done < length && memory !== undefined && chunk !== NONE; done += CHUNK_LENGTH) {
      copyOctets(memory, chunk * CHUNK_LENGTH, Math.min(CHUNK_LENGTH, length - done), to, offset + done);
      chunk = this.#next[chunk] ?? NONE;
    }
  }

  /** Whether the first `length` octets of a chain are these. */
  equals(chain: number, length: number, octets: Uint8Array, offset: number): boolean {
    const memory = this.#memory;
    let chunk = chain;
    for (let done = 0; done < length && memory !== undefined; done += CHUNK_LENGTH) {
      const end = Math.min(CHUNK_LENGTH, length - done);
      for (let i = 0; i < end; i++) if (memory[chunk * CHUNK_LENGTH + i] !== octets[offset + done + i]) return false;
      chunk = this.#next[chunk] ?? NONE;
    }
    return true;
  }

  release(chain: number): void {
    if (chain === NONE) return;
    let last = chain;
    let count = 1;
    for (let chunk = this.#next[last] ?? NONE; chunk !== NONE; chunk = this.#next[last] ?? NONE) {
      last = chunk;
      count++;
    }
    this.#next[last] = this.#free;
    this.#free = chain;
    this.#available += count;
  }
}

/** No chain. */
export const NONE = -1;
const CHUNK_LENGTH = 512;
