import { ipv4HeaderChecksum } from './packets.js';

/** What a fragment says of itself; the header it repeats, named as if there were no fragment header. */
function fragment(piece: Uint8Array) {
  const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
  const six = (piece[0] ?? 0) >>> 4 === 6;
  let field = 6;
  let at = six ? 40 : ((piece[0] ?? 0) & 15) * 4;
  if (six) while (piece[field] !== 44) [field, at] = [at, at + ((piece[at + 1] ?? 0) + 1) * 8];
  const word = view.getUint16(six ? at + 2 : 6);
  const header = piece.slice(0, at);
  if (six) header[field] = piece[at] ?? 0;
  return {
    header,
    position: six ? word & 0xfff8 : (word & 0x1fff) * 8,
    more: six ? (word & 1) !== 0 : (word & 0x2000) !== 0,
    own: piece.subarray(six ? at + 8 : at),
  };
}

/**
 * What a receiver makes of the fragments of one packet, by the book: octets at their offsets, the first one's headers.
 * Throws when they are not the fragments of one packet.
 */
export function reassemble(pieces: readonly Uint8Array[]): Uint8Array {
  const parts = pieces.map(fragment).sort((a, b) => a.position - b.position);
  let end = 0;
  for (const [i, { position, more, own }] of parts.entries()) {
    if (position !== end) throw new Error(`octet ${end} is missing or double`);
    end += own.length;
    if (more && own.length % 8 !== 0) throw new Error('a fragment that is not the last ends within 8 octets');
    if (more !== i < parts.length - 1) throw new Error('there are none or two last fragments');
  }
  const header = parts[0]?.header ?? new Uint8Array();
  const packet = new Uint8Array(header.length + end);
  packet.set(header);
  for (const { position, own } of parts) packet.set(own, header.length + position);
  const view = new DataView(packet.buffer);
  if ((packet[0] ?? 0) >>> 4 === 6) view.setUint16(4, packet.length - 40);
  else {
    view.setUint16(2, packet.length);
    view.setUint16(6, view.getUint16(6) & 0x4000);
    view.setUint16(10, 0);
    view.setUint16(10, ipv4HeaderChecksum(packet));
  }
  return packet;
}
