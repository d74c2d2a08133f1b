import { copyOctets } from '../bytes/octets.js';
import type { DropReason } from '../policy/drop-reason.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { ahHeaderLength, findInsertionPoint, InsertionPoint, writeAhHeader } from '../wire/ah.js';
import { ESP, espPacketLength } from '../wire/esp.js';
import {
  doesNotFragment,
  outerHeaderLength,
  readTrafficClass,
  writeOuterHeader,
  writeTotalLength,
} from '../wire/ip/header.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { writeEspFraming } from './esp-framing.js';
import { paddedLength, UNLIMITED_ROOM } from './packet-size.js';
import { outerDontFragment } from './too-large.js';

/** What the path asks of one packet. Reused. */
export class PathTerms {
  /** Octets that the result may have. */
  room: number = UNLIMITED_ROOM;
  /** Whether the result is cut on the underlay when it is longer than the path MTU: its header then has no DF. */
  fragmentable = false;
  /** Of an IPv6 tunnel header. */
  flowLabel = 0;
}

/**
 * Applies one association to a whole IP packet: in tunnel mode behind a new header, in transport mode between the
 * packet's own headers and its payload. One object serves all packets, one after the other.
 */
export class IpProtector {
  readonly #point = new InsertionPoint();
  /** Never 0 where it counts: an operating system takes that as a request to fill it in, and AH covers it. */
  #identification = 0;

  /**
   * Octets written at outOffset, or why not: on `exceeds_path_mtu` nothing was written and no number used. `packet` and
   * `out` may be the same memory.
   */
  protect(
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    terms: PathTerms,
  ): number | DropReason {
    if (association.isOver(now)) return 'association_expired';
    if (association.mode === 'transport') {
      return this.#transport(association, packet, offset, length, out, outOffset, terms);
    }
    return this.#tunnel(association, packet, offset, length, out, outOffset, terms);
  }

  #tunnel(
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    terms: PathTerms,
  ): number | DropReason {
    const { outer, esp, ah } = association;
    const inner = (packet[offset] ?? 0) >>> 4 === 4 ? PROTOCOL.ipv4 : PROTOCOL.ipv6;
    const trafficClass = association.outerTrafficClass(readTrafficClass(packet, offset));
    const df = !terms.fragmentable && outerDontFragment(association, doesNotFragment(packet, offset));
    const header = outer === undefined ? 0 : outerHeaderLength(outer.family);
    const payload = paddedLength(association, length, terms.room);
    let total = header;
    if (esp !== undefined) total += espPacketLength(payload, esp);
    else if (ah !== undefined) total += ahHeaderLength(outer?.family ?? 4, ah.icvFieldLength) + length;
    if (total > terms.room) return 'exceeds_path_mtu';
    if (total > MAXIMUM_PACKET) return 'packet_too_large';
    if (outOffset + total > out.length) return 'buffer_too_small';
    if (!association.takeNumber()) return 'sequence_exhausted';
    const at = outOffset + header;
    if (esp !== undefined) {
      this.#writeEspPayload(association, packet, offset, length, payload, out, at, inner);
    } else if (ah !== undefined) {
      copyOctets(packet, offset, length, out, outOffset + total - length);
      writeAhHeader(out, at, total - header - length, inner, association.spi, association.sequence.low);
    }
    if (outer !== undefined) {
      const protocol = esp === undefined ? PROTOCOL.ah : PROTOCOL.esp;
      this.#identification = (this.#identification % 0xffff) + 1;
      writeOuterHeader(out, outOffset, outer, total, protocol, trafficClass, df, this.#identification, terms.flowLabel);
    }
    return this.#finish(association, out, outOffset, total, header);
  }

  #transport(
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    terms: PathTerms,
  ): number | DropReason {
    const point = this.#point;
    // RFC 4301 section 7: transport mode applies to whole packets only.
    if (!findInsertionPoint(point, packet, offset, length)) return 'fragment_in_transport_mode';
    const { esp, ah } = association;
    const header = point.offset;
    const payload = length - header;
    const { next, nextHeaderField } = point;
    const family = (packet[offset] ?? 0) >>> 4 === 4 ? 4 : 6;
    let total = header;
    if (esp !== undefined) total += espPacketLength(payload, esp);
    else if (ah !== undefined) total += ahHeaderLength(family, ah.icvFieldLength) + payload;
    if (total > terms.room) return 'exceeds_path_mtu';
    if (total > MAXIMUM_PACKET) return 'packet_too_large';
    if (outOffset + total > out.length) return 'buffer_too_small';
    if (!association.takeNumber()) return 'sequence_exhausted';
    // In one memory the order of the two moves decides whether the second finds what it moves.
    const headerFirst = outOffset <= offset;
    if (headerFirst) copyOctets(packet, offset, header, out, outOffset);
    if (esp !== undefined) {
      this.#movePayload(association, packet, offset + header, payload, out, outOffset + header);
    } else {
      copyOctets(packet, offset + header, payload, out, outOffset + total - payload);
    }
    if (!headerFirst) copyOctets(packet, offset, header, out, outOffset);
    out[outOffset + nextHeaderField] = esp === undefined ? PROTOCOL.ah : PROTOCOL.esp;
    writeTotalLength(out, outOffset, total);
    const at = outOffset + header;
    if (esp !== undefined) writeEspFraming(association, payload, out, at, next);
    else writeAhHeader(out, at, total - header - payload, next, association.spi, association.sequence.low);
    return this.#finish(association, out, outOffset, total, header);
  }

  #writeEspPayload(
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    payload: number,
    out: Uint8Array,
    at: number,
    next: number,
  ): void {
    this.#movePayload(association, packet, offset, length, out, at);
    const start = at + ESP.headerLength + (association.esp?.ivLength ?? 0);
    if (payload > length) out.fill(0, start + length, start + payload);
    writeEspFraming(association, payload, out, at, next);
  }

  #movePayload(
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    at: number,
  ): void {
    copyOctets(packet, offset, length, out, at + ESP.headerLength + (association.esp?.ivLength ?? 0));
  }

  #finish(
    association: OutboundAssociation,
    out: Uint8Array,
    outOffset: number,
    total: number,
    header: number,
  ): number | DropReason {
    const { esp, ah, sequence } = association;
    if (esp !== undefined) esp.seal(out, outOffset + header, total - header, sequence.high);
    else if (ah?.protect(out, outOffset, total, header, sequence.high) === false) return 'unprotectable_header';
    return total;
  }
}

const MAXIMUM_PACKET = 65535;
