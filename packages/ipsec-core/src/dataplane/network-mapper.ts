import { readUint16, writeUint16 } from '../bytes/octets.js';
import type { Prefix } from '../wire/ip/address.js';
import { checksumFinish } from '../wire/ip/checksum.js';
import { coveredChecksumOffset } from '../wire/ip/covered-checksum.js';
import { Flow, isSkippedExtension, parseFlow } from '../wire/ip/flow.js';
import { ICMP } from '../wire/ip/icmp.js';
import { IPV4 } from '../wire/ip/ipv4.js';
import { IPV6 } from '../wire/ip/ipv6.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { isIcmpError, Quote } from '../wire/ip/quote.js';
import { PrefixTable } from './prefix-table.js';

/** A network that stands in the overlay under another prefix, as long as its own: the n-th address of one is that of the other. */
export interface NetworkMapping {
  readonly local: Prefix;
  readonly overlay: Prefix;
}

/**
 * What became of a packet. `kept`: it has nothing to do with a mapping. `mapped_source`: it comes from the site and claims an address
 * that only the overlay has. `unmappable`: its checksum or its quote is not where it could be set right. Of the last two nothing was
 * changed, and neither may go on.
 */
export type MappingOutcome = 'kept' | 'mapped' | 'mapped_source' | 'unmappable';

/**
 * Translates addresses between the networks of a site and the overlay, 1:1, in place, and without state: the bits of the prefix are
 * exchanged, those of the host stay, and so do ports and identifiers. Checksums follow (RFC 1624); a wrong one stays wrong. RFC 6296
 * would leave those of the transport alone and pay with bits of the address: there the hosts would not keep theirs.
 *
 * Packets that ICMP errors quote are translated too, with their checksums as far as these are quoted, so that who sent them knows
 * them again (RFC 5508 section 4.2). Fragments are translated one by one. No two local prefixes overlap, nor two overlay prefixes, nor
 * one with another.
 */
export class NetworkMapper {
  readonly #toOverlay: Tables;
  readonly #toSite: Tables;
  readonly #flow = new Flow();
  readonly #quote = new Quote();
  readonly #quoted = new Flow();

  constructor(mappings: readonly NetworkMapping[]) {
    this.#toOverlay = tablesOf(mappings.map(({ local, overlay }) => ({ from: local, to: overlay })));
    this.#toSite = tablesOf(mappings.map(({ local, overlay }) => ({ from: overlay, to: local })));
  }

  /** A packet from the site: its source becomes what the overlay knows, as does the destination of a packet that it quotes. */
  toOverlay(packet: Uint8Array, offset: number, length: number): MappingOutcome {
    const flow = this.#flow;
    // What is no packet is the engine's to refuse.
    if (!parseFlow(flow, packet, offset, length)) return 'kept';
    const field = flow.family === 4 ? IPV4.source : IPV6.source;
    if (this.#toSite[flow.family].find(packet, offset + field) >= 0) return 'mapped_source';
    const quotedField = flow.family === 4 ? IPV4.destination : IPV6.destination;
    return this.#translate(this.#toOverlay[flow.family], packet, offset, field, quotedField);
  }

  /** A packet for the site: its destination becomes what the site knows, as does the source of a packet that it quotes. */
  toSite(packet: Uint8Array, offset: number, length: number): MappingOutcome {
    const flow = this.#flow;
    if (!parseFlow(flow, packet, offset, length)) return 'kept';
    const field = flow.family === 4 ? IPV4.destination : IPV6.destination;
    const quotedField = flow.family === 4 ? IPV4.source : IPV6.source;
    return this.#translate(this.#toSite[flow.family], packet, offset, field, quotedField);
  }

  /** `field` and `quotedField` say where in their header the addresses stand that are looked at. */
  #translate(
    table: PrefixTable,
    packet: Uint8Array,
    offset: number,
    field: number,
    quotedField: number,
  ): MappingOutcome {
    const flow = this.#flow;
    const entry = table.find(packet, offset + field);
    const isError = isIcmpError(flow);
    if (entry < 0 && !isError) return 'kept';
    if (entry >= 0) {
      if (field === IPV6.destination && flow.family === 6 && isUnderWay(packet, offset, flow)) return 'unmappable';
      if (hidesChecksum(flow)) return 'unmappable';
    }
    if (isError) {
      if (!this.#quote.read(this.#quoted, packet, offset, flow)) return 'unmappable';
      const change = this.#translateQuote(table, packet, offset + flow.nextLayerOffset, quotedField);
      if (entry < 0 && change < 0) return 'kept';
      if (change > 0) adjust(packet, offset + flow.nextLayerOffset + ICMP.checksum, change);
    }
    if (entry < 0) return 'mapped';
    const adjustment = table.adjustment(entry);
    table.rewrite(entry, packet, offset + field);
    if (flow.family === 4) adjust(packet, offset + IPV4.checksum, adjustment);
    adjustTransport(packet, offset, flow, flow.totalLength, adjustment);
    return 'mapped';
  }

  /** The quote of the ICMP error at `message`. Returns what the sum over the message grows by; -1: the quote stays as it is. */
  #translateQuote(table: PrefixTable, packet: Uint8Array, message: number, field: number): number {
    const quoted = this.#quoted;
    const at = message + ICMP.quote;
    const entry = table.find(packet, at + field);
    if (entry < 0) return -1;
    const adjustment = table.adjustment(entry);
    // The checksum of a packet under way is about where it is to arrive.
    const covers =
      quoted.family === 4 || field === IPV6.source || !isUnderWay(packet, at, quoted)
        ? adjustTransport(packet, at, quoted, this.#quote.length, adjustment)
        : false;
    table.rewrite(entry, packet, at + field);
    // An address and a checksum that follows it, both under one sum, leave that as it was.
    let change = 0;
    if (quoted.family === 4) adjust(packet, at + IPV4.checksum, adjustment);
    else change += adjustment;
    if (covers) change += MODULUS - adjustment;
    return change % MODULUS;
  }
}

type Tables = { readonly [family in 4 | 6]: PrefixTable };

function tablesOf(pairs: ConstructorParameters<typeof PrefixTable>[0]): Tables {
  return { 4: new PrefixTable(pairs, 4), 6: new PrefixTable(pairs, 6) };
}

/** Whether the checksum that would have to follow an address is in another fragment, of which nothing could be told. */
function hidesChecksum({ family, protocol, fragment, nextLayerOffset, totalLength }: Flow): boolean {
  if (fragment !== 'first') return false;
  const at = coveredChecksumOffset(family, protocol);
  return at >= 0 && nextLayerOffset + at + 2 > totalLength;
}

/** Has the transport's checksum follow an address, where `length` octets of the packet show it. Returns whether there was one. */
function adjustTransport(
  packet: Uint8Array,
  offset: number,
  { family, protocol, fragment, nextLayerOffset }: Flow,
  length: number,
  adjustment: number,
): boolean {
  if (fragment === 'later') return false;
  const at = nextLayerOffset + coveredChecksumOffset(family, protocol);
  if (at < nextLayerOffset || at + 2 > length) return false;
  // RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum".
  const optional = protocol === PROTOCOL.udp;
  if (optional && readUint16(packet, offset + at) === 0) return false;
  adjust(packet, offset + at, adjustment);
  if (optional && readUint16(packet, offset + at) === 0) writeUint16(packet, offset + at, ALL_ONES);
  return true;
}

/** RFC 1624 section 3, equation 3, for a sum that grew by `adjustment`. */
function adjust(packet: Uint8Array, at: number, adjustment: number): void {
  if (adjustment === 0) return;
  writeUint16(packet, at, checksumFinish((~readUint16(packet, at) & ALL_ONES) + adjustment));
}

/** Whether a routing header says that the destination is not where the packet is to arrive (RFC 8200 section 4.4). */
function isUnderWay(packet: Uint8Array, offset: number, { nextLayerOffset }: Flow): boolean {
  let next = packet[offset + IPV6.nextHeader] ?? 0;
  for (let at: number = IPV6.headerLength; at < nextLayerOffset && isSkippedExtension(next); ) {
    if (next === PROTOCOL.routing && (packet[offset + at + SEGMENTS_LEFT] ?? 0) > 0) return true;
    const following = packet[offset + at] ?? 0;
    at += next === PROTOCOL.fragment ? EXTENSION_UNIT : ((packet[offset + at + 1] ?? 0) + 1) * EXTENSION_UNIT;
    next = following;
  }
  return false;
}

const ALL_ONES = 0xffff;
/** Of ones' complement arithmetic on 16-bit words. */
const MODULUS = 0xffff;
const SEGMENTS_LEFT = 3;
const EXTENSION_UNIT = 8;
