import type { DropReason } from '../policy/drop-reason.js';
import type { FragmentFields } from '../wire/ip/fragment.js';
import { doesNotFragment } from '../wire/ip/header.js';
import { ChunkPool, NONE } from './chunk-pool.js';
import { type PartialPacket, UNKNOWN } from './partial-packet.js';

/** The octets of fragments that wait for the rest of their packets, in memory of a size that does not change. */
export class FragmentStore {
  readonly #pool: ChunkPool;
  /** Of each fragment, by the first chunk of its octets. */
  readonly #position: Uint16Array;
  readonly #length: Uint16Array;
  readonly #nextFragment: Int32Array;

  constructor(maximumOctets: number) {
    this.#pool = new ChunkPool(maximumOctets);
    this.#position = new Uint16Array(this.#pool.capacity);
    this.#length = new Uint16Array(this.#pool.capacity);
    this.#nextFragment = new Int32Array(this.#pool.capacity);
  }

  get octetsInUse(): number {
    return this.#pool.octetsInUse;
  }

  /** False when there is no memory: then nothing has changed. */
  storeFragment(partial: PartialPacket, packet: Uint8Array, offset: number, fields: FragmentFields): boolean {
    const fragment = this.#pool.store(packet, offset + fields.dataOffset, fields.dataLength);
    if (fragment === NONE) return false;
    this.#position[fragment] = fields.position;
    this.#length[fragment] = fields.dataLength;
    this.#nextFragment[fragment] = partial.first;
    partial.first = fragment;
    if (!partial.six && doesNotFragment(packet, offset)) partial.dontFragment = true;
    return true;
  }

  /** Of the first fragment. False when there is no memory: then nothing has changed. */
  storeHeader(partial: PartialPacket, packet: Uint8Array, offset: number, fields: FragmentFields): boolean {
    const header = this.#pool.store(packet, offset, fields.headerLength);
    if (header === NONE) return false;
    partial.header = header;
    partial.headerLength = fields.headerLength;
    partial.nextHeaderField = fields.nextHeaderField;
    // RFC 8200 section 4.5: "Only the value from the Offset zero fragment packet is used for reassembly."
    partial.next = fields.next;
    return true;
  }

  /** Why a fragment has no place among those of its packet. */
  misfit(partial: PartialPacket, packet: Uint8Array, offset: number, fields: FragmentFields): DropReason | undefined {
    const { position, dataLength, more } = fields;
    const end = position + dataLength;
    for (let fragment = partial.first; fragment !== NONE; fragment = this.#nextFragment[fragment] ?? NONE) {
      const from = this.#position[fragment] ?? 0;
      const length = this.#length[fragment] ?? 0;
      if (from >= end || from + length <= position) {
        if (!more && from >= end) return 'fragment_end_conflict';
        continue;
      }
      const same = from === position && length === dataLength && more === (partial.end !== end);
      const duplicate = same && this.#pool.equals(fragment, length, packet, offset + fields.dataOffset);
      return duplicate ? 'fragment_duplicate' : 'fragment_overlap';
    }
    return partial.end !== UNKNOWN && (!more || end > partial.end) ? 'fragment_end_conflict' : undefined;
  }

  /** Copies the header, if it is there, and all octets to where they belong. */
  load(partial: PartialPacket, out: Uint8Array, headerLength: number): void {
    this.#pool.load(partial.header, headerLength, out, 0);
    for (let fragment = partial.first; fragment !== NONE; fragment = this.#nextFragment[fragment] ?? NONE) {
      const position = this.#position[fragment] ?? 0;
      this.#pool.load(fragment, this.#length[fragment] ?? 0, out, headerLength + position);
    }
  }

  release(partial: PartialPacket): void {
    let fragment = partial.first;
    while (fragment !== NONE) {
      const next = this.#nextFragment[fragment] ?? NONE;
      this.#pool.release(fragment);
      fragment = next;
    }
    this.#pool.release(partial.header);
    partial.first = NONE;
    partial.header = NONE;
    partial.fragments = 0;
  }
}
