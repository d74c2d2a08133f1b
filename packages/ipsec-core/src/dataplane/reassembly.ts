import { copyOctets } from '../bytes/octets.js';
import type { DropReason } from '../policy/drop-reason.js';
import { ECN } from '../wire/ip/ecn.js';
import type { Flow } from '../wire/ip/flow.js';
import { exceedsLargestPacket, FRAGMENT_UNIT, type FragmentFields } from '../wire/ip/fragment.js';
import { doesNotFragment, readTrafficClass } from '../wire/ip/header.js';
import { IPV6 } from '../wire/ip/ipv6.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { NONE } from './chunk-pool.js';
import type { DropCounters } from './drop-counters.js';
import { FragmentStore } from './fragment-store.js';
import { finishHeader, PartialPacket } from './partial-packet.js';

export interface ReassemblyOptions {
  /** Memory for fragments that wait; 4 MiB by default, at least 256 KiB, so that the largest packet has room. */
  readonly maximumOctets?: number;
  /** Packets of which fragments wait; 256 by default. */
  readonly maximumPackets?: number;
  /** From a packet's first fragment to arrive on; 30 s by default. RFC 8200 section 4.5 allows at most 60 s. */
  readonly timeoutMilliseconds?: number;
}

/** What is held at one moment, and what has come of it so far. */
export interface ReassemblyUse {
  /** Packets that are not whole, or whose further fragments are refused until their time is over. */
  readonly packets: number;
  readonly fragments: number;
  readonly octets: number;
  /** Packets that became whole, and the fragments that they came in. */
  readonly reassembledPackets: bigint;
  readonly reassembledFragments: bigint;
}

/** A packet that one more fragment would make whole. */
export interface ForeseenPacket {
  readonly packet: Uint8Array;
  /** Octets of the largest fragment that it would have come in. */
  readonly largestFragment: number;
}

/**
 * Puts fragments together before the SPD is asked, where a policy depends on what later fragments do not show
 * (RFC 4301 appendix D.6: "to reassemble fragments at the sending IPsec implementation, and thus avoid the problem
 * entirely"; section 7.4 asks for as much for BYPASS). Bounded in memory, packets, fragments per packet and time; when a
 * bound is reached the packet that has waited longest gives way, and every fragment given up is counted.
 *
 * Overlapping fragments end their packet, in IPv4 as in IPv6: "the entire datagram (and any constituent fragments,
 * including those not yet received) MUST be silently discarded" (RFC 5722 section 4), so such a packet is remembered
 * until its time is over. An exact duplicate is only discarded itself (RFC 8200 section 4.5 lets us tell it apart). No
 * ICMP "time exceeded" is sent: the engine is not where the packet was sent to.
 */
export class Reassembler {
  readonly #drops: DropCounters;
  readonly #timeout: number;
  readonly #store: FragmentStore;
  readonly #packets: readonly PartialPacket[];
  #complete: PartialPacket | undefined;
  #arrivals = 0;
  #reassembledPackets = 0;
  #reassembledFragments = 0;

  /** Throws RangeError when an option is out of range. */
  constructor(options: ReassemblyOptions, drops: DropCounters) {
    const { maximumOctets = 4 << 20, maximumPackets = 256, timeoutMilliseconds = 30_000 } = options;
    check('maximumOctets', maximumOctets, LEAST_OCTETS, 2 ** 30);
    check('maximumPackets', maximumPackets, 1, 65_536);
    check('timeoutMilliseconds', timeoutMilliseconds, 1, 60_000);
    this.#drops = drops;
    this.#timeout = timeoutMilliseconds;
    this.#store = new FragmentStore(maximumOctets);
    this.#packets = Array.from({ length: maximumPackets }, () => new PartialPacket());
  }

  /**
   * Takes a fragment that parseFlow and parseFragment have read. `complete`: `write` has the packet. Anything else but
   * `held` is why this fragment must be discarded, which is left to the caller to count; those that were held for the
   * same packet are counted here.
   */
  add(
    packet: Uint8Array,
    offset: number,
    flow: Flow,
    fields: FragmentFields,
    now: number,
  ): 'held' | 'complete' | DropReason {
    const malformed = refusalOf(flow, fields);
    if (malformed !== undefined) return malformed;
    const partial = this.#find(packet, offset, flow, fields, now);
    const refusal = this.#refusal(partial, packet, offset, flow, fields);
    if (refusal === 'fragment_of_refused_packet' || refusal === 'fragment_duplicate') return refusal;
    if (refusal !== undefined) return this.#refuse(partial, refusal);
    if (!this.#keep(partial, packet, offset, fields)) return this.#refuse(partial, 'reassembly_evicted');
    partial.ecn |= ecnBit(packet, offset);
    partial.largest = Math.max(partial.largest, flow.totalLength);
    partial.fragments++;
    partial.received += fields.dataLength;
    if (!fields.more) partial.end = fields.position + fields.dataLength;
    if (!partial.isWhole) return 'held';
    this.#complete = partial;
    this.identification = partial.identification;
    this.largestFragment = partial.largest;
    this.#reassembledPackets++;
    this.#reassembledFragments += partial.fragments;
    return 'complete';
  }

  /** What `add` would answer, and for `complete` the packet itself. Changes nothing; allocates. */
  foresee(
    packet: Uint8Array,
    offset: number,
    flow: Flow,
    fields: FragmentFields,
    now: number,
  ): 'held' | ForeseenPacket | DropReason {
    const malformed = refusalOf(flow, fields);
    if (malformed !== undefined) return malformed;
    const partial = this.#packets.find(
      (one) => one.active && now - one.since < this.#timeout && one.isOf(packet, offset, fields),
    );
    // Of its packet it is the first to arrive, and no fragment is a packet of its own.
    if (partial === undefined) return 'held';
    const refusal = this.#refusal(partial, packet, offset, flow, fields);
    if (refusal !== undefined) return refusal;
    if (!this.#wouldBeWhole(partial, fields)) return 'held';
    const out = new Uint8Array(WHOLE_LENGTH);
    const isFirst = fields.position === 0;
    const headerLength = isFirst ? fields.headerLength : partial.headerLength;
    if (isFirst) copyOctets(packet, offset, headerLength, out, 0);
    this.#store.load(partial, out, headerLength);
    copyOctets(packet, offset + fields.dataOffset, fields.dataLength, out, headerLength + fields.position);
    const { nextHeaderField, next } = isFirst ? fields : partial;
    const end = partial.received + fields.dataLength;
    const ecn = partial.ecn | ecnBit(packet, offset);
    const dontFragment = partial.dontFragment || (flow.family === 4 && doesNotFragment(packet, offset));
    const total = finishHeader(out, { headerLength, end, nextHeaderField, next, ecn, dontFragment });
    return { packet: out.slice(0, total), largestFragment: Math.max(partial.largest, flow.totalLength) };
  }

  /** Writes the packet that is complete to the start of `out`, which has room for the largest; returns its octets. */
  write(out: Uint8Array): number {
    const partial = this.#complete;
    if (partial === undefined) return 0;
    this.#store.load(partial, out, partial.headerLength);
    const total = finishHeader(out, partial);
    this.#free(partial);
    this.#complete = undefined;
    return total;
  }

  /** Of the packet written last: its identification, and the octets of the largest fragment that it came in. */
  identification = 0;
  largestFragment = 0;

  /** Gives up packets whose time is over; `add` does so as well. */
  expire(now: number): void {
    for (const partial of this.#packets) {
      if (partial.active && now - partial.since >= this.#timeout) this.#giveUp(partial, 'reassembly_timeout');
    }
  }

  use(): ReassemblyUse {
    const active = this.#packets.filter((partial) => partial.active);
    return {
      packets: active.length,
      fragments: active.reduce((sum, { fragments }) => sum + fragments, 0),
      octets: this.#store.octetsInUse,
      reassembledPackets: BigInt(this.#reassembledPackets),
      reassembledFragments: BigInt(this.#reassembledFragments),
    };
  }

  /** Why a fragment that is well-formed in itself cannot become part of its packet. */
  #refusal(
    partial: PartialPacket,
    packet: Uint8Array,
    offset: number,
    flow: Flow,
    fields: FragmentFields,
  ): DropReason | undefined {
    if (partial.refused) return 'fragment_of_refused_packet';
    const misfit = this.#store.misfit(partial, packet, offset, fields);
    if (misfit !== undefined) return misfit;
    if (partial.fragments >= MAXIMUM_FRAGMENTS) return 'fragment_too_many';
    if (!this.#wouldBeWhole(partial, fields)) return undefined;
    // The largest total length of IPv4, the largest payload length of IPv6.
    const headerLength = fields.position === 0 ? fields.headerLength : partial.headerLength;
    const end = fields.more ? partial.end : fields.position + fields.dataLength;
    const counted = flow.family === 6 ? headerLength - IPV6.headerLength : headerLength;
    if (counted + end > MAXIMUM_LENGTH) return 'fragment_oversize';
    // RFC 3168 section 5.3: CE on the whole "MUST NOT occur if any of the other fragments [...] carries Not-ECT".
    const mixed = (1 << ECN.ce) | (1 << ECN.notEct);
    return ((partial.ecn | ecnBit(packet, offset)) & mixed) === mixed ? 'fragment_ecn_mixed' : undefined;
  }

  /** Whether a fragment that fits is the last that was missing. */
  #wouldBeWhole(partial: PartialPacket, { position, dataLength, more }: FragmentFields): boolean {
    const end = more ? partial.end : position + dataLength;
    return partial.received + dataLength === end && (position === 0 || partial.header !== NONE);
  }

  /** The packet that a fragment belongs to, new when it is the first to arrive; the oldest makes room when there is none. */
  #find(packet: Uint8Array, offset: number, flow: Flow, fields: FragmentFields, now: number): PartialPacket {
    let free: PartialPacket | undefined;
    for (const partial of this.#packets) {
      if (partial.active && now - partial.since >= this.#timeout) this.#giveUp(partial, 'reassembly_timeout');
      if (partial.active && partial.isOf(packet, offset, fields)) return partial;
      if (!partial.active) free ??= partial;
    }
    if (free === undefined) {
      free = this.#oldest(undefined) ?? new PartialPacket();
      this.#giveUp(free, 'reassembly_evicted');
    }
    free.begin(packet, offset, flow, fields, now, this.#arrivals++);
    return free;
  }

  /** False when there is no memory left even after every other packet has been given up. */
  #keep(partial: PartialPacket, packet: Uint8Array, offset: number, fields: FragmentFields): boolean {
    while (!this.#store.storeFragment(partial, packet, offset, fields)) if (!this.#makeRoom(partial)) return false;
    if (fields.position !== 0) return true;
    while (!this.#store.storeHeader(partial, packet, offset, fields)) if (!this.#makeRoom(partial)) return false;
    return true;
  }

  /** Gives the packet up that has waited longest. False when there is no other. */
  #makeRoom(but: PartialPacket): boolean {
    const oldest = this.#oldest(but);
    if (oldest === undefined) return false;
    this.#giveUp(oldest, 'reassembly_evicted');
    return true;
  }

  #oldest(but: PartialPacket | undefined): PartialPacket | undefined {
    let oldest: PartialPacket | undefined;
    for (const partial of this.#packets) {
      if (partial.active && partial !== but && (oldest === undefined || partial.arrival < oldest.arrival)) {
        oldest = partial;
      }
    }
    return oldest;
  }

  /** Ends a packet for one reason that this fragment gave; later ones are refused as well, until its time is over. */
  #refuse(partial: PartialPacket, reason: DropReason): DropReason {
    this.#drops.count(reason, partial.fragments);
    this.#store.release(partial);
    partial.refused = true;
    return reason;
  }

  #giveUp(partial: PartialPacket, reason: DropReason): void {
    this.#drops.count(reason, partial.fragments);
    this.#free(partial);
  }

  #free(partial: PartialPacket): void {
    this.#store.release(partial);
    partial.active = false;
  }
}

/** What no fragment may look like, whatever packet it belongs to. */
function refusalOf(flow: Flow, fields: FragmentFields): DropReason | undefined {
  const { position, dataLength, more } = fields;
  if (dataLength <= 0 || (more && dataLength % FRAGMENT_UNIT !== 0)) return 'fragment_malformed';
  if (exceedsLargestPacket(fields, flow.family === 6)) return 'fragment_oversize';
  if (position !== 0) return undefined;
  // RFC 1858 section 3 and RFC 7112 section 5: the first fragment has the header that filters look at.
  const least = flow.protocol === PROTOCOL.tcp ? TCP_HEADER : LEAST_HEADER;
  return flow.totalLength - flow.nextLayerOffset < least ? 'fragment_tiny' : undefined;
}

function ecnBit(packet: Uint8Array, offset: number): number {
  return 1 << (readTrafficClass(packet, offset) & 3);
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`reassembly.${name} is ${least} to ${most}, not ${value}`);
}

/** Enough for the largest packet over a link of 1280 octets. */
const MAXIMUM_FRAGMENTS = 64;
const MAXIMUM_LENGTH = 65_535;
const WHOLE_LENGTH = IPV6.headerLength + MAXIMUM_LENGTH;
const LEAST_OCTETS = 256 << 10;
const TCP_HEADER = 20;
const LEAST_HEADER = 8;
