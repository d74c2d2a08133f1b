import { copyOctets, readUint16, readUint32 } from '../bytes/octets.js';
import { findInsertionPoint, InsertionPoint } from '../wire/ah.js';
import {
  FRAGMENT_HEADER,
  FRAGMENT_UNIT,
  markFragmentV4,
  writeFragmentHeader,
  writeLaterHeader,
} from '../wire/ip/fragment.js';
import { writeTotalLength } from '../wire/ip/header.js';
import { IPV4, ipv4HeaderLength } from '../wire/ip/ipv4.js';

/**
 * Cuts one packet at a time into fragments, piece by piece, as the caller has room for them. It owns memory for that one
 * packet, made when the first packet needs it: the pieces are read from there while earlier ones are written over the
 * caller's. An IPv4 packet that is a fragment itself is cut into smaller ones of the same packet.
 */
export class Fragmenter {
  #memory: Uint8Array | undefined;
  readonly #point = new InsertionPoint();
  /** Header of all IPv4 fragments but the first. */
  readonly #later = new Uint8Array(60);
  #laterLength = 0;
  readonly #random: (out: Uint8Array) => void;
  #identification: number | undefined;
  #six = false;
  #header = 0;
  #next = 0;
  #nextHeaderField = 0;
  #length = 0;
  #limit = 0;
  /** From the packet's start: what has not been sent yet. */
  #at = 0;
  /** Of an IPv4 packet that is a fragment: what it says of itself. */
  #position = 0;
  #more = false;
  #packetIdentification = 0;

  /** `random` fills the array from a cryptographically secure source. */
  constructor(random: (out: Uint8Array) => void) {
    this.#random = random;
  }

  /** Room for the largest packet there is, in front of which nothing is kept. */
  get memory(): Uint8Array {
    this.#memory ??= new Uint8Array(MEMORY_LENGTH);
    return this.#memory;
  }

  /** Whether pieces wait. */
  get pending(): boolean {
    return this.#at < this.#length;
  }

  /** How many pieces wait. */
  get waiting(): number {
    let pieces = 0;
    for (let at = this.#at; at < this.#length; pieces++) at += this.#pieceLength(at);
    return pieces;
  }

  /**
   * Starts on the packet of `length` octets at the start of the memory; no piece will have more than `limit` octets.
   * IPv6: `identification` of a packet that came in fragments, else a fresh one. False when the limit has no room for
   * the headers and 8 octets, or the packet ends within its headers: then nothing waits.
   */
  begin(length: number, limit: number, identification?: number): boolean {
    const { memory } = this;
    this.#length = 0;
    this.#at = 0;
    this.#six = (memory[0] ?? 0) >>> 4 === 6;
    this.#limit = limit;
    if (!findInsertionPoint(this.#point, memory, 0, length) && this.#six) return false;
    this.#header = this.#six ? this.#point.offset : ipv4HeaderLength(memory, 0);
    this.#next = this.#point.next;
    this.#nextHeaderField = this.#point.nextHeaderField;
    const overhead = this.#header + (this.#six ? FRAGMENT_HEADER.length : 0);
    if (limit - overhead < FRAGMENT_UNIT || this.#header >= length) return false;
    if (this.#six) {
      this.#position = 0;
      this.#more = false;
      this.#packetIdentification = identification ?? this.#freshIdentification();
    } else {
      const field = readUint16(memory, IPV4.fragment);
      this.#position = (field & IPV4.fragmentOffsetMask) * FRAGMENT_UNIT;
      this.#more = (field & IPV4.moreFragments) !== 0;
      this.#laterLength = writeLaterHeader(this.#later, 0, memory, 0);
    }
    this.#length = length;
    this.#at = this.#header;
    return true;
  }

  /** Writes the next piece and returns its octets; 0 when none waits, -1 when `out` has no room: the piece then waits. */
  write(out: Uint8Array, outOffset: number): number {
    if (!this.pending) return 0;
    const size = this.#pieceLength(this.#at);
    const header = this.#headerLength(this.#at);
    if (outOffset + header + size > out.length) return -1;
    const position = this.#position + this.#at - this.#header;
    const more = this.#at + size < this.#length || this.#more;
    if (this.#six) {
      copyOctets(this.memory, 0, this.#header, out, outOffset);
      out[outOffset + this.#nextHeaderField] = FRAGMENT_NEXT_HEADER;
      writeFragmentHeader(out, outOffset + this.#header, this.#next, position, more, this.#packetIdentification);
      writeTotalLength(out, outOffset, header + size);
    } else {
      copyOctets(this.#at === this.#header ? this.memory : this.#later, 0, header, out, outOffset);
      markFragmentV4(out, outOffset, header + size, position, more);
    }
    copyOctets(this.memory, this.#at, size, out, outOffset + header);
    this.#at += size;
    return header + size;
  }

  /** Gives up what waits. Returns how many pieces that was. */
  abandon(): number {
    const { waiting } = this;
    this.#at = this.#length;
    return waiting;
  }

  #headerLength(at: number): number {
    if (this.#six) return this.#header + FRAGMENT_HEADER.length;
    return at === this.#header ? this.#header : this.#laterLength;
  }

  /** Octets of the fragmentable part in the piece that starts there: all but the last are a multiple of 8. */
  #pieceLength(at: number): number {
    const room = this.#limit - this.#headerLength(at);
    const rest = this.#length - at;
    return rest <= room ? rest : room - (room % FRAGMENT_UNIT);
  }

  /**
   * RFC 7739 section 4.1: not to be foreseen from outside, and different for packets that follow each other. Counting
   * from a random number does both for a sender that no outsider can make send fragments to itself.
   */
  #freshIdentification(): number {
    if (this.#identification === undefined) {
      const octets = new Uint8Array(4);
      this.#random(octets);
      this.#identification = readUint32(octets, 0);
    }
    this.#identification = (this.#identification + 1) >>> 0;
    return this.#identification;
  }
}

/** An IPv6 header and the largest payload, and what encapsulation adds when the packet is protected within the memory. */
const MEMORY_LENGTH = 40 + 65_535 + 512;
const FRAGMENT_NEXT_HEADER = 44;
