import { readUint16 } from '../../bytes/octets.js';

/**
 * The ones' complement sum of 16-bit words (RFC 1071), not complemented, so that sums can be added.
 * An odd last octet is padded with zero.
 */
export function checksumAdd(octets: Uint8Array, offset: number, length: number, sum = 0): number {
  let total = sum;
  const end = offset + length;
  let at = offset;
  for (; at + 1 < end; at += 2) total += readUint16(octets, at);
  if (at < end) total += (octets[at] ?? 0) << 8;
  return total;
}

/** Folds a sum into the 16-bit value for the checksum field. Computed over correct data with its checksum it is 0. */
export function checksumFinish(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/**
 * The checksum after the 16-bit word `before` under it became `after` (RFC 1624 section 3, equation 3). A wrong checksum
 * stays wrong by as much as it was. A word at an odd offset from where the sum starts is given with its octets swapped.
 */
export function checksumUpdate(checksum: number, before: number, after: number): number {
  return checksumFinish((~checksum & 0xffff) + (~before & 0xffff) + after);
}
