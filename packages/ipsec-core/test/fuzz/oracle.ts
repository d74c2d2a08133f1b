import { toHex } from '@weft/ipsec-core';
import type { Answer } from './universe.js';
import type { Line } from './world.js';

/** A packet that somebody with the keys sealed. */
export interface Sealed {
  readonly line: Line;
  readonly wire: Uint8Array;
  readonly clear: Uint8Array;
  /** Transport mode: octets of header in front of what was protected. */
  readonly kept: number;
  /** What was sealed may be a fragment of `clear`. */
  readonly pieces: boolean;
  delivered: boolean;
}

/**
 * What comes out must be what went in, once. ESP in transport mode vouches for what stands behind the headers only; AH
 * for their immutable fields as well; a tunnel for the whole inner packet, which takes over congestion marks.
 */
export function expectDelivered({ octets, tunnelId }: Answer, sealed: Sealed | undefined): void {
  if (sealed === undefined) throw new Error(`delivered what nobody sealed: ${toHex(octets)}`);
  const { line, clear, kept, pieces } = sealed;
  if (sealed.delivered) throw new Error(`delivered twice: ${toHex(octets)}`);
  if (tunnelId !== line.tunnelId) throw new Error(`sealed for ${line.tunnelId}, delivered by ${tunnelId}`);
  sealed.delivered = true;
  if (pieces) expectPiece(octets, clear);
  else if (line.mode === 'tunnel') expectInner(octets, clear);
  else expectTransport(octets, clear, kept, line.tunnelId.startsWith('ah') || line.tunnelId === 'bundle');
}

/** The inner packet, which may be shorter than the array: what follows its own length does not travel on. */
function expectInner(octets: Uint8Array, clear: Uint8Array): void {
  const six = (clear[0] ?? 0) >>> 4 === 6;
  for (const [i, octet] of octets.entries()) {
    if (octet === clear[i]) continue;
    // The ECN field, and the checksum over it.
    const ecn = six ? i === 1 && (octet ^ (clear[i] ?? 0)) === ((octet ^ (clear[i] ?? 0)) & 0x30) : i === 1;
    if (ecn || (!six && (i === 10 || i === 11))) continue;
    throw new Error(`octet ${i} of the inner packet is ${octet}: ${toHex(octets)} instead of ${toHex(clear)}`);
  }
}

/** A fragment, or the whole: its payload is that of the packet from its offset on, and it has the packet's ends. */
function expectPiece(octets: Uint8Array, clear: Uint8Array): void {
  if ((clear[0] ?? 0) >>> 4 === 6) {
    expectInner(octets, clear);
    return;
  }
  const header = (packet: Uint8Array) => ((packet[0] ?? 0) & 15) * 4;
  // What was cut may have been a fragment itself.
  const position = (packet: Uint8Array) => ((((packet[6] ?? 0) & 0x1f) << 8) | (packet[7] ?? 0)) * 8;
  const from = header(clear) + position(octets) - position(clear);
  const payload = octets.subarray(header(octets));
  const expected = clear.subarray(from, from + payload.length);
  if (toHex(payload) !== toHex(expected)) throw new Error(`a piece is ${toHex(payload)}, not ${toHex(expected)}`);
  const ends = [octets, clear].map((packet) => toHex(packet.subarray(12, 20)));
  if (ends[0] !== ends[1]) throw new Error(`a piece goes ${ends[0]} instead of ${ends[1]}`);
}

/** A whole ICMP error to the source of the packet, of its family, that quotes its beginning. */
export function expectIcmpError(error: Uint8Array, about: Uint8Array): void {
  const six = (about[0] ?? 0) >>> 4 === 6;
  const [source, destination, header] = six ? [8, 24, 40] : [12, 16, 20];
  const size = six ? 16 : 4;
  const asked = toHex(about.subarray(source, source + size));
  if ((error[0] ?? 0) >>> 4 !== (six ? 6 : 4)) throw new Error('an ICMP error of another family');
  if (toHex(error.subarray(destination, destination + size)) !== asked)
    throw new Error('an ICMP error to another host');
  const quote = error.subarray(header + 8);
  // A fragment that completes a packet is answered about the whole packet.
  const fragment = six ? about[6] === 44 : (((about[6] ?? 0) << 8) | (about[7] ?? 0)) % 0x4000 !== 0;
  if (!fragment && toHex(quote) !== toHex(about.subarray(0, quote.length)))
    throw new Error('an ICMP error quotes another');
}

function expectTransport(octets: Uint8Array, clear: Uint8Array, kept: number, authenticHeader: boolean): void {
  const six = (clear[0] ?? 0) >>> 4 === 6;
  const total = six ? 40 + (((clear[4] ?? 0) << 8) | (clear[5] ?? 0)) : ((clear[2] ?? 0) << 8) | (clear[3] ?? 0);
  const payload = clear.subarray(kept, total);
  const tail = octets.subarray(octets.length - payload.length);
  if (toHex(tail) !== toHex(payload)) throw new Error(`payload is ${toHex(tail)} instead of ${toHex(payload)}`);
  if (!authenticHeader) return;
  const addresses = six ? [8, 40] : [12, 20];
  const [delivered, sent] = [octets, clear].map((packet) => toHex(packet.subarray(...addresses)));
  if (delivered !== sent) throw new Error(`addresses are ${delivered} instead of ${sent}`);
}
