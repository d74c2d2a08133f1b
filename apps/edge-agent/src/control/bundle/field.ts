import type { UnderlayEndpoint } from '@weft/contracts/southbound';
import { formatAddress, parseAddress, parsePrefix } from '@weft/ipsec-core';
import { messageOf } from '../../platform/agent-error.js';
import { RejectionError } from '../rejection.js';
import type { OverlayPrefix, UnderlayAddress } from './verified-bundle.js';

/** Value of a message field that must be there. */
export function required<T>(path: string, value: T | undefined): T {
  if (value === undefined) throw new RejectionError(path, 'missing_field', 'the field is missing');
  return value;
}

/** A whole number between two bounds, inclusive. */
export function integerWithin(path: string, value: number, lowest: number, highest: number): number {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw new RejectionError(path, 'out_of_range', `${value} is not within ${lowest}..${highest}`);
  }
  return value;
}

/** A list of at most `limit` elements. */
export function limited<T>(path: string, list: readonly T[], limit: number): readonly T[] {
  if (list.length > limit) {
    throw new RejectionError(path, 'too_many', `${list.length} elements are more than the ${limit} an edge takes`);
  }
  return list;
}

/** A UUID in lower case. */
export function uuid(path: string, value: string): string {
  if (!UUID.test(value)) throw new RejectionError(path, 'bad_identifier', 'it is not a UUID in lower case');
  return value;
}

/** Printable text of bounded length. */
export function boundedText(path: string, value: string, longest: number): string {
  if (value.length === 0 || value.length > longest || CONTROL_CHARACTER.test(value)) {
    throw new RejectionError(path, 'bad_identifier', `it is not 1 to ${longest} printable characters`);
  }
  return value;
}

/** An identifier that did not occur before; remembers it in `seen`. */
export function unique(path: string, value: string, seen: Set<string>): string {
  if (seen.has(value)) throw new RejectionError(path, 'duplicate', `${value} occurs twice`);
  seen.add(value);
  return value;
}

/** An underlay address and port. A specified one names a machine: not `0.0.0.0`, not multicast. */
export function underlayAddress(
  path: string,
  value: UnderlayEndpoint | undefined,
  kind: 'any' | 'specified',
): UnderlayAddress {
  const endpoint = required(path, value);
  const octets = addressOctets(`${path}.address`, endpoint.address);
  if (isMulticast(octets) || (kind === 'specified' && octets.every((octet) => octet === 0))) {
    throw new RejectionError(`${path}.address`, 'bad_address', `${endpoint.address} does not name a machine`);
  }
  return { text: formatAddress(octets), octets, port: integerWithin(`${path}.port`, endpoint.port, 1, 0xffff) };
}

/** A prefix without host bits. */
export function overlayPrefix(path: string, text: string): OverlayPrefix {
  const prefix = parsedPrefix(path, text);
  return {
    text: `${formatAddress(prefix.address)}/${prefix.length}`,
    family: prefix.address.length === 4 ? 4 : 6,
    range: prefix.range,
  };
}

function addressOctets(path: string, text: string): Uint8Array {
  try {
    return parseAddress(text);
  } catch (error) {
    throw new RejectionError(path, 'bad_address', messageOf(error).slice(0, MAX_REASON), { cause: error });
  }
}

function parsedPrefix(path: string, text: string): ReturnType<typeof parsePrefix> {
  try {
    return parsePrefix(text);
  } catch (error) {
    throw new RejectionError(path, 'bad_prefix', messageOf(error).slice(0, MAX_REASON), { cause: error });
  }
}

function isMulticast(octets: Uint8Array): boolean {
  const first = octets[0] ?? 0;
  return octets.length === 4 ? first >= 0xe0 : first === 0xff;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** The reason quotes what was sent, and that may be long. */
const MAX_REASON = 200;
const CONTROL_CHARACTER = /\p{Cc}/u;
