import { toHex } from '@weft/ipsec-core';
import type { Answer } from './session.js';
import type { Line } from './world.js';

/** A packet that somebody with the keys sealed. */
export interface Sealed {
  readonly line: Line;
  readonly wire: Uint8Array;
  readonly clear: Uint8Array;
  /** Transport mode: octets of header in front of what was protected. */
  readonly kept: number;
  delivered: boolean;
}

/**
 * What comes out must be what went in, once. ESP in transport mode vouches for what stands behind the headers only; AH
 * for their immutable fields as well; a tunnel for the whole inner packet, which takes over congestion marks.
 */
export function expectDelivered({ octets, tunnelId }: Answer, sealed: Sealed | undefined): void {
  if (sealed === undefined) throw new Error(`delivered what nobody sealed: ${toHex(octets)}`);
  const { line, clear, kept } = sealed;
  if (sealed.delivered) throw new Error(`delivered twice: ${toHex(octets)}`);
  if (tunnelId !== line.tunnelId) throw new Error(`sealed for ${line.tunnelId}, delivered by ${tunnelId}`);
  sealed.delivered = true;
  if (line.mode === 'tunnel') expectInner(octets, clear);
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
