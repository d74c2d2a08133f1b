import { copyOctets, readUint32 } from '../bytes/octets.js';
import { IPV4_LEAST_MTU, IPV6_MINIMUM_MTU } from '../policy/path-mtu.js';
import type { Flow } from '../wire/ip/flow.js';
import { ICMP, isIcmpErrorType, writeDestinationUnreachable } from '../wire/ip/icmp.js';
import { ICMPV6, isIcmpv6ErrorType, writeIcmpv6Error } from '../wire/ip/icmpv6.js';
import { IPV4 } from '../wire/ip/ipv4.js';
import { IPV6 } from '../wire/ip/ipv6.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { TokenBucket } from './token-bucket.js';

export interface IcmpErrorOptions {
  /**
   * Address that the engine's ICMP errors come from, of 4 and of 16 octets. Without it they come from the destination
   * of the packet they are about: a host that looks where a packet came from (reverse path filters do) finds it where
   * that destination is, whereas an address of its own would be taken for a forgery when it arrives from outside.
   */
  readonly source4?: Uint8Array;
  readonly source6?: Uint8Array;
  /**
   * Whether the source of a packet that policy discards is told (RFC 4301 section 5.1.1, a.1); false by default, so that
   * nothing is told of the policy. Sources of packets that are too large are always told: path MTU discovery needs it.
   */
  readonly reportDiscards?: boolean;
  /** Messages in the long run, 100 by default, and at once, 50 by default (RFC 4443 section 2.4(f), RFC 1812 §4.3.2.8). */
  readonly perSecond?: number;
  readonly burst?: number;
}

/** What became of the occasions to tell a source of its packet. */
export interface IcmpErrorCounters {
  readonly offered: bigint;
  readonly rateLimited: bigint;
  /** No message may be sent about such a packet (RFC 1122 section 3.2.2, RFC 4443 section 2.4(e)). */
  readonly unanswerable: bigint;
  /** A message that the caller did not take before the next packet. */
  readonly notTaken: bigint;
}

/**
 * Makes the message that tells the source of a packet which length would pass (RFC 4301 section 8.2.1), or that policy
 * discards it (section 5.1.1), and keeps it until the caller has taken it. One at a time: a packet causes at most one.
 */
export class IcmpErrors {
  readonly #source4: Uint8Array | undefined;
  readonly #source6: Uint8Array | undefined;
  readonly #reportDiscards: boolean;
  readonly #bucket: TokenBucket;
  readonly #message = new Uint8Array(MAXIMUM_LENGTH);
  #length = 0;
  #offered = 0;
  #rateLimited = 0;
  #unanswerable = 0;
  #notTaken = 0;

  /** Throws RangeError when an address has not the octets of its family. */
  constructor(options: IcmpErrorOptions) {
    for (const [address, octets] of [
      [options.source4, 4],
      [options.source6, 16],
    ] as const) {
      if (address !== undefined && address.length !== octets)
        throw new RangeError(`icmpErrors.source has ${octets} octets`);
    }
    this.#source4 = options.source4?.slice();
    this.#source6 = options.source6?.slice();
    this.#reportDiscards = options.reportDiscards ?? false;
    this.#bucket = new TokenBucket(options.perSecond ?? DEFAULT_PER_SECOND, options.burst ?? DEFAULT_BURST);
  }

  /**
   * About a packet that parseFlow found well-formed, of which `mtu` octets would pass; IPv6 sources are never asked for
   * less than 1280 (RFC 8200 section 5). Returns the octets of the message that now waits; 0: there is none.
   */
  tooLarge(packet: Uint8Array, offset: number, flow: Flow, mtu: number, now: number): number {
    if (flow.family === 6) {
      const told = Math.max(mtu, IPV6_MINIMUM_MTU);
      return this.#offer(packet, offset, flow, ICMPV6.packetTooBig, 0, told, now);
    }
    const told = Math.max(mtu, IPV4_LEAST_MTU);
    return this.#offer(packet, offset, flow, ICMP.destinationUnreachable, ICMP.fragmentationNeeded, told, now);
  }

  /**
   * About a packet that policy discards: "communication administratively prohibited" (RFC 4301 section 5.1.1, a.1).
   * Returns the octets of the message that now waits; 0: there is none, or such packets are not reported.
   */
  prohibited(packet: Uint8Array, offset: number, flow: Flow, now: number): number {
    if (!this.#reportDiscards) return 0;
    if (flow.family === 6) {
      const code = ICMPV6.administrativelyProhibited;
      return this.#offer(packet, offset, flow, ICMPV6.destinationUnreachable, code, 0, now);
    }
    return this.#offer(packet, offset, flow, ICMP.destinationUnreachable, ICMP.administrativelyProhibited, 0, now);
  }

  #offer(packet: Uint8Array, offset: number, flow: Flow, type: number, code: number, mtu: number, now: number): number {
    if (!isAnswerable(packet, offset, flow)) {
      this.#unanswerable++;
      return 0;
    }
    if (!this.#bucket.take(now)) {
      this.#rateLimited++;
      return 0;
    }
    this.drop();
    const message = this.#message;
    const { totalLength } = flow;
    const own = flow.family === 4 ? this.#source4 : this.#source6;
    const from = own ?? packet;
    const at = own === undefined ? offset + (flow.family === 4 ? IPV4.destination : IPV6.destination) : 0;
    this.#length =
      flow.family === 4
        ? writeDestinationUnreachable(message, 0, from, at, packet, offset, totalLength, code, mtu)
        : writeIcmpv6Error(message, 0, from, at, packet, offset, totalLength, type, code, mtu);
    this.#offered++;
    return this.#length;
  }

  /** Octets that wait. */
  get length(): number {
    return this.#length;
  }

  /** Moves the message to `out` and returns its octets; 0 when none waits, -1 when `out` has no room: it then waits on. */
  take(out: Uint8Array, outOffset: number): number {
    const length = this.#length;
    if (outOffset + length > out.length) return -1;
    copyOctets(this.#message, 0, length, out, outOffset);
    this.#length = 0;
    return length;
  }

  /** Forgets a message that nobody took. */
  drop(): void {
    if (this.#length > 0) this.#notTaken++;
    this.#length = 0;
  }

  counters(): IcmpErrorCounters {
    return {
      offered: BigInt(this.#offered),
      rateLimited: BigInt(this.#rateLimited),
      unanswerable: BigInt(this.#unanswerable),
      notTaken: BigInt(this.#notTaken),
    };
  }
}

/**
 * RFC 1122 section 3.2.2: no ICMP error about an ICMP error, a broadcast or multicast destination, a fragment other than
 * the first, or a source that is no single host; RFC 4443 section 2.4(e) likewise. Its exception for "packet too big"
 * about multicast is not used: the engine's unicast associations are no path of a multicast group.
 */
function isAnswerable(packet: Uint8Array, offset: number, flow: Flow): boolean {
  if (flow.fragment === 'later') return false;
  if (flow.protocol === PROTOCOL.icmp && isIcmpErrorType(flow.sourcePort >>> 8)) return false;
  if (flow.protocol === PROTOCOL.icmpv6) {
    const type = flow.sourcePort >>> 8;
    if (isIcmpv6ErrorType(type) || type === ICMPV6.redirect) return false;
  }
  if (flow.family === 6) {
    return packet[offset + IPV6.destination] !== MULTICAST_6 && isHost6(packet, offset + IPV6.source);
  }
  const [source = 0] = flow.source;
  const [destination = 0] = flow.destination;
  const first = source >>> 24;
  return destination >>> 28 < MULTICAST_4 && source >>> 28 < MULTICAST_4 && first !== 0 && first !== LOOPBACK_4;
}

/** Neither multicast nor unspecified nor loopback. */
function isHost6(packet: Uint8Array, at: number): boolean {
  if (packet[at] === MULTICAST_6) return false;
  for (let word = 0; word < 3; word++) if (readUint32(packet, at + 4 * word) !== 0) return true;
  return readUint32(packet, at + 12) > 1;
}

const MAXIMUM_LENGTH = 1280;
const DEFAULT_PER_SECOND = 100;
const DEFAULT_BURST = 50;
const MULTICAST_6 = 0xff;
/** 224.0.0.0 and above: multicast, reserved, broadcast. */
const MULTICAST_4 = 14;
const LOOPBACK_4 = 127;
