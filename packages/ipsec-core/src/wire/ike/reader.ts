import { readUint16, readUint32 } from '../../bytes/octets.js';
import { Slab } from '../../bytes/slab.js';
import { IkeWireError } from './wire-error.js';

/** A cursor over one structure. Every read is checked; `finish` refuses what is left over. Views, where it does not say copy. */
export class Reader {
  readonly #octets: Uint8Array;
  readonly #what: string;
  #offset: number;
  readonly #end: number;

  constructor(octets: Uint8Array, what: string, offset = 0, end = octets.length) {
    this.#octets = octets;
    this.#what = what;
    this.#offset = offset;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  uint8(): number {
    return this.#octets[this.#advance(1)] ?? 0;
  }

  uint16(): number {
    return readUint16(this.#octets, this.#advance(2));
  }

  uint32(): number {
    return readUint32(this.#octets, this.#advance(4));
  }

  skip(count: number): void {
    this.#advance(count);
  }

  take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#octets.subarray(start, start + count);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** For who keeps it: what was read may be overwritten, and is larger. */
  copy(count: number): Uint8Array {
    return READ.copy(this.take(count));
  }

  copyOfRest(): Uint8Array {
    return this.copy(this.remaining);
  }

  /** A reader over the next `count` octets, named for what they are. */
  within(count: number, what: string): Reader {
    const start = this.#advance(count);
    return new Reader(this.#octets, what, start, start + count);
  }

  finish(): void {
    if (this.remaining > 0) {
      throw new IkeWireError({ code: 'trailing_octets', what: this.#what, count: this.remaining });
    }
  }

  #advance(count: number): number {
    if (count < 0 || count > this.remaining) {
      throw new IkeWireError({ code: 'truncated', what: this.#what, need: count, have: this.remaining });
    }
    const start = this.#offset;
    this.#offset += count;
    return start;
  }
}

const READ = new Slab();
