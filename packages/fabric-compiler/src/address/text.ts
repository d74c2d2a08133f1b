import { AddressError, formatAddress, parseAddress } from '@weft/ipsec-core';
import type { Family } from './family.js';
import { numberFromOctets, octetsFromNumber } from './octets.js';

export interface ParsedAddress {
  readonly family: Family;
  readonly value: bigint;
}

/** Reads one IPv4 or IPv6 address; undefined when it is none. */
export function parseAddressText(text: string): ParsedAddress | undefined {
  try {
    const octets = parseAddress(text);
    return { family: octets.length === 4 ? 4 : 6, value: numberFromOctets(octets) };
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** The octets of an IPv4 or IPv6 address, 4 or 16; an AddressError where it is none. */
export function addressOctets(text: string): Uint8Array {
  return parseAddress(text);
}

/** Writes an address in its one canonical form (RFC 5952 for IPv6). */
export function formatAddressText({ family, value }: ParsedAddress): string {
  return formatAddress(octetsFromNumber(value, family));
}
