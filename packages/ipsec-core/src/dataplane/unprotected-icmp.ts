import { readUint16, readUint32 } from '../bytes/octets.js';
import { IPV6_MINIMUM_MTU, type PathMtuChange } from '../policy/path-mtu.js';
import { type SecurityAssociationDatabase, samePath } from '../policy/sad.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { Tunnel } from '../policy/tunnel.js';
import { AH } from '../wire/ah.js';
import { ESP } from '../wire/esp.js';
import { checksumAdd, checksumFinish } from '../wire/ip/checksum.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { ICMP } from '../wire/ip/icmp.js';
import { ICMPV6, icmpv6Checksum } from '../wire/ip/icmpv6.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { isIcmpError, Quote } from '../wire/ip/quote.js';
import { PathMessages } from './path-messages.js';
import { TokenBucket } from './token-bucket.js';

/** What became of a message of the unprotected side. Closed: each has one counter. */
export const UNPROTECTED_ICMP_OUTCOMES = [
  'path_mtu_lowered',
  /** The path MTU was as low already, or the message says no more than its minimum. */
  'path_mtu_unchanged',
  /** The peer answers probes, so it is asked instead (RFC 8899 section 4.6): nothing unauthenticated counts. */
  'path_mtu_asked',
  /** Configuration does not let such messages count. */
  'not_accepted',
  'malformed',
  'bad_checksum',
  /** Any other ICMP message: nothing here acts on it. */
  'not_path_mtu',
  /** The quote does not reach to SPI and sequence number. */
  'quote_too_short',
  /** No outbound association has this SPI, protocol and peer. */
  'unknown_association',
  /** The association has sent no packet of this number, or not lately. */
  'implausible_sequence',
  /** The packet would have fitted, or an IPv6 link of less than 1280 octets is claimed. */
  'implausible_mtu',
  /** The association was installed without a path MTU. */
  'no_path_mtu',
  'rate_limited',
] as const;

export type UnprotectedIcmpOutcome = (typeof UNPROTECTED_ICMP_OUTCOMES)[number];

export interface UnprotectedIcmpOptions {
  /** Whether path MTU messages count (RFC 4301 section 6.1.1 wants a control per type); `accept` by default. */
  readonly pathMtu?: 'accept' | 'ignore';
}

/**
 * ICMP from routers between the peers (RFC 4301 sections 6.1.1 and 8.2.1). Nobody vouches for it, so only path MTU
 * messages count, and they only about a packet that this edge has sent: the quote must name SPI and sequence number of an
 * association of ours, among its last packets; the claimed MTU must be smaller than the packet was; and the path MTU
 * keeps to its bounds and ages (PathMtu). Whoever forges one has to see our packets, and gains a path MTU of 576 or 1280
 * octets for ten minutes.
 */
export class UnprotectedIcmp {
  readonly #associations: SecurityAssociationDatabase;
  readonly #accepts: boolean;
  readonly #pathMessages: PathMessages;
  readonly #error = new Flow();
  readonly #quoted = new Flow();
  readonly #quote = new Quote();
  readonly #bucket = new TokenBucket(PER_SECOND, PER_SECOND);
  readonly #counts = new Map<UnprotectedIcmpOutcome, number>();

  constructor(
    associations: SecurityAssociationDatabase,
    options: UnprotectedIcmpOptions,
    pathMessages = new PathMessages(false),
  ) {
    this.#associations = associations;
    this.#pathMessages = pathMessages;
    this.#accepts = options.pathMtu !== 'ignore';
  }

  /** A whole IP packet with an ICMP message, as a raw socket or a capture has it. */
  receive(packet: Uint8Array, offset: number, length: number, now: number): UnprotectedIcmpOutcome {
    return this.#count(this.#receive(packet, offset, length, now));
  }

  /**
   * What a UDP socket's error queue has: the start of a datagram of ours, from the SPI on, and the path MTU that the
   * operating system was told, having found the message to be about the socket.
   */
  receiveFromSocket(
    payload: Uint8Array,
    offset: number,
    length: number,
    mtu: number,
    now: number,
  ): UnprotectedIcmpOutcome {
    if (!this.#accepts) return this.#count('not_accepted');
    if (length < ESP.headerLength || offset + length > payload.length) return this.#count('quote_too_short');
    if (!this.#bucket.take(now)) return this.#count('rate_limited');
    // A router that knows nothing of RFC 1191; how long the packet was does not show.
    if (mtu === 0) return this.#count('implausible_mtu');
    return this.#count(this.#apply('esp', undefined, payload, offset, mtu, now));
  }

  /** What a raw socket's error queue has: the start of an IP packet of ours, and the path MTU that was told, or 0. */
  receiveQuote(packet: Uint8Array, offset: number, length: number, mtu: number, now: number): UnprotectedIcmpOutcome {
    if (!this.#accepts) return this.#count('not_accepted');
    if (offset + length > packet.length) return this.#count('quote_too_short');
    if (!this.#quote.readPacket(this.#quoted, packet, offset, length)) return this.#count('quote_too_short');
    return this.#count(this.#applyQuote(mtu, now));
  }

  counters(): readonly { readonly outcome: UnprotectedIcmpOutcome; readonly messages: bigint }[] {
    return UNPROTECTED_ICMP_OUTCOMES.map((outcome) => ({ outcome, messages: BigInt(this.#counts.get(outcome) ?? 0) }));
  }

  #receive(packet: Uint8Array, offset: number, length: number, now: number): UnprotectedIcmpOutcome {
    const error = this.#error;
    const quoted = this.#quoted;
    const quote = this.#quote;
    if (!parseFlow(error, packet, offset, length)) return 'malformed';
    if (error.fragment !== 'whole' || !isIcmpError(error)) return 'not_path_mtu';
    const message = offset + error.nextLayerOffset;
    const size = error.totalLength - error.nextLayerOffset;
    if (!isPathMtuMessage(error, packet, message)) return 'not_path_mtu';
    if (!this.#accepts) return 'not_accepted';
    if (size < ICMP.quote) return 'malformed';
    if (!hasRightChecksum(error, packet, offset, message, size)) return 'bad_checksum';
    if (!quote.read(quoted, packet, offset, error)) return 'quote_too_short';
    const mtu =
      error.family === 4
        ? readUint16(packet, message + ICMP.nextHopMtu)
        : readUint32(packet, message + ICMPV6.parameter);
    return this.#applyQuote(mtu, now);
  }

  /** The path MTU that was told for the packet in the quote. */
  #applyQuote(told: number, now: number): UnprotectedIcmpOutcome {
    const quoted = this.#quoted;
    const quote = this.#quote;
    if (quoted.fragment === 'later') return 'quote_too_short';
    const at = quoted.nextLayerOffset + (quoted.protocol === PROTOCOL.udp ? UDP_HEADER_LENGTH : 0);
    const ah = quoted.protocol === PROTOCOL.ah;
    if (!ah && quoted.protocol !== PROTOCOL.esp && quoted.protocol !== PROTOCOL.udp) return 'unknown_association';
    if (at + (ah ? AH.icv : ESP.headerLength) > quote.length) return 'quote_too_short';
    if (!this.#bucket.take(now)) return 'rate_limited';
    // RFC 8201 section 4: "If a node receives a Packet Too Big message reporting a next-hop MTU that is less than the
    // IPv6 minimum link MTU, it must discard it."
    if (quoted.family === 6 && told < IPV6_MINIMUM_MTU) return 'implausible_mtu';
    const mtu = told !== 0 ? told : plateauBelow(quote.claimedLength);
    if (mtu >= quote.claimedLength) return 'implausible_mtu';
    return this.#apply(ah ? 'ah' : 'esp', quoted, quote.octets, at, mtu, now);
  }

  /** `at`: where the AH or ESP header stands. */
  #apply(
    protocol: 'ah' | 'esp',
    quoted: Flow | undefined,
    octets: Uint8Array,
    at: number,
    mtu: number,
    now: number,
  ): UnprotectedIcmpOutcome {
    const spi = readUint32(octets, at + (protocol === 'ah' ? AH.spi : ESP.spi));
    const sequence = readUint32(octets, at + (protocol === 'ah' ? AH.sequence : ESP.sequence));
    let outcome: UnprotectedIcmpOutcome = 'unknown_association';
    for (const tunnel of this.#associations.tunnels()) {
      for (const association of tunnel.all()) {
        if (association.spi !== spi || association.protocol !== protocol) continue;
        if (!isSentBy(association, quoted)) continue;
        if (hasSent(association, sequence)) return this.#reduce(tunnel, association, mtu, now);
        // Another tunnel may use the same SPI towards another peer.
        outcome = 'implausible_sequence';
      }
    }
    return outcome;
  }

  #reduce(tunnel: Tunnel, association: OutboundAssociation, mtu: number, now: number): UnprotectedIcmpOutcome {
    // Asked for once more, what was found may be found to be no longer so.
    const asked = this.#pathMessages.addHint(tunnel.tunnelId, mtu);
    if (association.pathMtu?.confirmed === undefined) return reduce(tunnel, association, mtu, now);
    return asked ? 'path_mtu_asked' : 'path_mtu_unchanged';
  }

  #count(outcome: UnprotectedIcmpOutcome): UnprotectedIcmpOutcome {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
    return outcome;
  }
}

/** The path is the peer's, not the association's: what was learned holds for all that go the same way. */
function reduce(tunnel: Tunnel, association: OutboundAssociation, mtu: number, now: number): UnprotectedIcmpOutcome {
  if (association.pathMtu === undefined) return 'no_path_mtu';
  let change: PathMtuChange = 'unchanged';
  for (const other of tunnel.all()) {
    if (!samePath(other, association)) continue;
    const result = other.pathMtu?.reduce(mtu, now);
    if (other === association && result !== undefined) change = result;
  }
  return change === 'lowered' ? 'path_mtu_lowered' : 'path_mtu_unchanged';
}

function isPathMtuMessage({ family }: Flow, packet: Uint8Array, message: number): boolean {
  const type = packet[message + ICMP.type];
  // RFC 4443 section 3.2: the code of "packet too big" is "ignored by the receiver".
  if (family === 6) return type === ICMPV6.packetTooBig;
  return type === ICMP.destinationUnreachable && packet[message + ICMP.code] === ICMP.fragmentationNeeded;
}

function hasRightChecksum(error: Flow, packet: Uint8Array, offset: number, message: number, size: number): boolean {
  if (error.family === 4) return checksumFinish(checksumAdd(packet, message, size)) === 0;
  return icmpv6Checksum(packet, offset, message, size) === 0;
}

/** For a router that knows nothing of RFC 1191, whose section 7 has a table of the MTUs there are, to be tried in turn. */
function plateauBelow(length: number): number {
  return PLATEAUS.find((plateau) => plateau < length) ?? 0;
}

/** Whether the headers around the quoted packet are those of the association; a socket has looked at them itself. */
function isSentBy(association: OutboundAssociation, quoted: Flow | undefined): boolean {
  const { outer, mode } = association;
  const byUdp = mode === 'tunnel' && outer === undefined;
  if (quoted === undefined) return byUdp;
  if (byUdp !== (quoted.protocol === PROTOCOL.udp)) return false;
  if (outer === undefined) return true;
  if (outer.family !== quoted.family) return false;
  const words = outer.family === 4 ? 1 : 4;
  for (let word = 0; word < words; word++) {
    if (readUint32(outer.source, 4 * word) !== quoted.source[word]) return false;
    if (readUint32(outer.destination, 4 * word) !== quoted.destination[word]) return false;
  }
  return true;
}

/** Whether a number, of which the lower half shows, is one of the last that were sent, by whichever engine. */
function hasSent({ memory }: OutboundAssociation, low: number): boolean {
  const [lastHigh = 0, lastLow = 0] = memory.sequence;
  const ago = (lastLow - low) >>> 0;
  if (ago >= RECENT_PACKETS) return false;
  // Before the first 2^32 have been sent nothing carried 0, nor what comes before it.
  return lastHigh > 0 || (low >= 1 && low <= lastLow);
}

const UDP_HEADER_LENGTH = 8;
/** Messages that are looked up; more at once, and nobody is served by the search. */
const PER_SECOND = 100;
/** A tenth of a second, and more, of what an edge sends at its fastest: a message takes one round trip. */
const RECENT_PACKETS = 2 ** 20;
/** RFC 1191 table 7-1. */
const PLATEAUS: readonly number[] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];
