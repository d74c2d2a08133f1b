import type { Family } from './family.js';

/** Reads octets as one big-endian number. */
export function numberFromOctets(octets: Uint8Array): bigint {
  let value = 0n;
  for (const octet of octets) value = (value << 8n) | BigInt(octet);
  return value;
}

/** Writes a number as the 4 or 16 octets of its family, big-endian. */
export function octetsFromNumber(value: bigint, family: Family): Uint8Array {
  const octets = new Uint8Array(family === 4 ? 4 : 16);
  let rest = value;
  for (let index = octets.length - 1; index >= 0; index -= 1) {
    octets[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return octets;
}
