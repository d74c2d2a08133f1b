import { IPV4 } from './ip/ipv4.js';
import { IPV6 } from './ip/ipv6.js';
import { PROTOCOL } from './ip/protocol.js';

/*
 * RFC 4303 section 2
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ ----
 * |               Security Parameters Index (SPI)                 | ^Int.
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ |Cov-
 * |                      Sequence Number                          | |ered
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ | ----
 * |                    IV, then Payload Data* (variable)          | |   ^
 * ~                                                               ~ |   |
 * +               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ |Conf.
 * |               |     Padding (0-255 bytes)                     | |Cov-
 * +-+-+-+-+-+-+-+-+               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ |ered*
 * |                               |  Pad Length   | Next Header   | v   v
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ ------
 * |         Integrity Check Value-ICV   (variable)                |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export const ESP = { spi: 0, sequence: 4, headerLength: 8, trailerLength: 2 } as const;

/** SPI 0 never appears on the wire and 1..255 are reserved (RFC 4303 section 2.1). */
export const FIRST_SPI = 256;

/** The three lengths of a suite that decide an ESP packet's size. */
export interface EspLengths {
  /** Octets of IV between sequence number and payload. */
  readonly ivLength: number;
  /** Octets of integrity check value at the end. */
  readonly icvLength: number;
  /** Payload, padding and the two trailer octets together are a multiple of this (at least 4). */
  readonly alignment: number;
}

/** Padding octets that follow `payloadLength` octets of payload (RFC 4303 section 2.4). */
export function espPadLength(payloadLength: number, alignment: number): number {
  const unaligned = (payloadLength + ESP.trailerLength) % alignment;
  return unaligned === 0 ? 0 : alignment - unaligned;
}

/** Octets from SPI to ICV for a payload of this length. */
export function espPacketLength(payloadLength: number, lengths: EspLengths): number {
  const sealed = payloadLength + espPadLength(payloadLength, lengths.alignment) + ESP.trailerLength;
  return ESP.headerLength + lengths.ivLength + sealed + lengths.icvLength;
}

/** Octets that ESP adds to a payload of this length. */
export function espOverhead(payloadLength: number, lengths: EspLengths): number {
  return espPacketLength(payloadLength, lengths) - payloadLength;
}

/** What surrounds ESP on the underlay. */
export interface Underlay {
  readonly family: 4 | 6;
  /** UDP encapsulation (RFC 3948). */
  readonly udp: boolean;
}

/** Octets of the outer IP header and, with UDP encapsulation, of the UDP header. */
export function underlayHeaderLength(underlay: Underlay): number {
  return (underlay.family === 4 ? IPV4.headerLength : IPV6.headerLength) + (underlay.udp ? UDP_HEADER_LENGTH : 0);
}

/** The largest tunnel-mode inner packet whose ESP packet fits an underlay packet of `mtu` octets; negative if none. */
export function maximumInnerLength(mtu: number, underlay: Underlay, lengths: EspLengths): number {
  return maximumEspPayload(mtu - underlayHeaderLength(underlay), lengths);
}

/** The largest payload whose ESP packet has at most `length` octets from SPI to ICV; negative if none. */
export function maximumEspPayload(length: number, lengths: EspLengths): number {
  const room = length - ESP.headerLength - lengths.ivLength - lengths.icvLength;
  return room - (((room % lengths.alignment) + lengths.alignment) % lengths.alignment) - ESP.trailerLength;
}

/** Writes padding 1, 2, 3, … (RFC 4303 section 2.4), pad length and next header. Returns the octets written. */
export function writeEspTrailer(
  out: Uint8Array,
  at: number,
  payloadLength: number,
  alignment: number,
  next: number,
): number {
  const padding = espPadLength(payloadLength, alignment);
  for (let i = 1; i <= padding; i++) out[at + i - 1] = i;
  out[at + padding] = padding;
  out[at + padding + 1] = next;
  return padding + ESP.trailerLength;
}

/**
 * Length of the payload in front of a decrypted trailer, or -1 when pad length exceeds what there is or padding is not
 * 1, 2, 3, … (RFC 4303 section 2.4: "the receiver SHOULD inspect the Padding field").
 */
export function espPayloadLength(plain: Uint8Array, offset: number, length: number): number {
  const padding = plain[offset + length - 2] ?? 0;
  const payload = length - ESP.trailerLength - padding;
  if (length < ESP.trailerLength || payload < 0) return -1;
  for (let i = 1; i <= padding; i++) if (plain[offset + payload + i - 1] !== i) return -1;
  return payload;
}

/** Next header value of a dummy packet (RFC 4303 section 2.6). */
export const ESP_DUMMY = PROTOCOL.noNextHeader;

const UDP_HEADER_LENGTH = 8;
