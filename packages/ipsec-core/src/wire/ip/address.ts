import { readUint16 } from '../../bytes/octets.js';

export type Family = 4 | 6;

/** Both ends included; 4 or 16 octets each, one family. */
export interface AddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

export interface Prefix {
  readonly address: Uint8Array;
  readonly length: number;
  readonly range: AddressRange;
}

export type AddressErrorCode = 'MALFORMED_ADDRESS' | 'MALFORMED_PREFIX' | 'HOST_BITS_SET';

export class AddressError extends Error {
  readonly code: AddressErrorCode;

  constructor(code: AddressErrorCode, message: string) {
    super(message);
    this.name = 'AddressError';
    this.code = code;
  }
}

/**
 * Reads an IPv4 address in dotted decimal or an IPv6 address in any form of RFC 4291 section 2.2.
 * Leading zeros in IPv4 and zone identifiers are refused. Throws AddressError.
 */
export function parseAddress(text: string): Uint8Array {
  const octets = text.includes(':') ? parseV6(text) : parseV4(text);
  if (octets === undefined) {
    throw new AddressError('MALFORMED_ADDRESS', `"${text}" is no IP address: write 192.0.2.1 or 2001:db8::1.`);
  }
  return octets;
}

/** IPv4 in dotted decimal, IPv6 in the one canonical form of RFC 5952. Throws RangeError unless 4 or 16 octets. */
export function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) throw new RangeError('An address has 4 or 16 octets.');
  // RFC 5952 section 5: a well-known prefix with an embedded IPv4 address is shown mixed.
  if (octets.subarray(0, 10).every((octet) => octet === 0) && readUint16(octets, 10) === 0xffff) {
    return `::ffff:${octets.subarray(12).join('.')}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => readUint16(octets, 2 * i));
  const gap = longestZeroRun(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (gap === undefined) return text(groups);
  return `${text(groups.slice(0, gap.start))}::${text(groups.slice(gap.start + gap.length))}`;
}

/** Reads `address/length`; bits after the length must be zero. Throws AddressError. */
export function parsePrefix(text: string): Prefix {
  const match = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text);
  if (match === null) {
    throw new AddressError('MALFORMED_PREFIX', `"${text}" is no prefix: write an address, "/" and a length.`);
  }
  const address = parseAddress(match[1] ?? '');
  const length = Number(match[2]);
  if (length > address.length * 8) {
    throw new AddressError('MALFORMED_PREFIX', `"${text}": the length is at most ${address.length * 8}.`);
  }
  const range = prefixRange(address, length);
  if (range.first.some((octet, i) => octet !== address[i])) {
    const fixed = `${formatAddress(range.first)}/${length}`;
    throw new AddressError('HOST_BITS_SET', `"${text}" has bits set after its length: did you mean ${fixed}?`);
  }
  return { address, length, range };
}

/** First and last address of the prefix that contains `address`. */
export function prefixRange(address: Uint8Array, length: number): AddressRange {
  const first = address.slice();
  const last = address.slice();
  for (let i = 0; i < address.length; i++) {
    const hostMask = 0xff >> Math.min(8, Math.max(0, length - 8 * i));
    first[i] = (address[i] ?? 0) & ~hostMask;
    last[i] = (address[i] ?? 0) | hostMask;
  }
  return { first, last };
}

function parseV4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1);
  if (parts.some((part) => Number(part) > 255 || String(Number(part)) !== part)) return undefined;
  return Uint8Array.from(parts, Number);
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group (RFC 4291 section 2.2).
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const octets = new Uint8Array(16);
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  for (const [i, group] of groups.entries()) {
    octets[2 * i] = group >>> 8;
    octets[2 * i + 1] = group;
  }
  return octets;
}

function parseGroups(text: string, mayEndWithV4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (mayEndWithV4 && i === parts.length - 1 && part.includes('.')) {
      const embedded = parseV4(part);
      if (embedded === undefined) return undefined;
      groups.push(readUint16(embedded, 0), readUint16(embedded, 2));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** RFC 5952 section 4.2: the longest run of two or more zero groups, the first one when there are several. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } | undefined {
  let best: { start: number; length: number } | undefined;
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length >= 2 && length > (best?.length ?? 0)) best = { start, length };
    start += length;
  }
  return best;
}
