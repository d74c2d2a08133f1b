import { PolicyError } from '../errors.js';
import type { AddressRange, Family } from '../wire/ip/address.js';
import { isSkippedExtension } from '../wire/ip/flow.js';
import { hasPorts, isMessageProtocol, OPAQUE_PORT, OPAQUE_PROTOCOL, PROTOCOL } from '../wire/ip/protocol.js';

/** Both ends included. For ICMP and Mobility Header see icmpTypesAndCodes and mobilityTypes. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/**
 * A list of ranges; the empty list is ANY, and so is the range 0 to 65535, as IKEv2 writes it. ANY "encompasses the
 * OPAQUE value"; `opaque` matches only packets that do not show the field: later fragments, and protocols that have none
 * (RFC 4301 section 4.4.1, "OPAQUE and ANY").
 */
export type PortSelector = readonly PortRange[] | 'opaque';

/**
 * One selector set (RFC 4301 section 4.4.1.1). Empty lists mean ANY. The ports of ICMP, ICMPv6 and Mobility Header are
 * message types: the local one says what may be sent, the remote one what may be received, each without regard to the
 * other (section 4.4.1.3, B to D).
 */
export interface TrafficSelector {
  readonly localAddresses: readonly AddressRange[];
  readonly remoteAddresses: readonly AddressRange[];
  /** `opaque`: IPv6 fragments that do not show the protocol behind their extension headers. */
  readonly protocol: number | 'any' | 'opaque';
  readonly localPorts: PortSelector;
  readonly remotePorts: PortSelector;
}

/** Every packet of both families. */
export const ANY_SELECTOR: TrafficSelector = {
  localAddresses: [],
  remoteAddresses: [],
  protocol: 'any',
  localPorts: [],
  remotePorts: [],
};

/** Inclusive integers. */
export interface Interval {
  readonly first: number;
  readonly last: number;
}

export const ANY_PROTOCOL: Interval = { first: 0, last: OPAQUE_PROTOCOL };
export const ANY_PORT: Interval = { first: 0, last: OPAQUE_PORT };

/**
 * ICMP types and codes as a port range. RFC 4301 section 4.4.1.1 compares `type * 256 + code` as one number, so codes
 * bind only for a single type: types 3 to 5 with codes 1 to 2 contain type 4 with any code. Left out, the codes are all.
 */
export function icmpTypesAndCodes(types: PortRange, codes: PortRange = { first: 0, last: 255 }): PortRange {
  return { first: types.first * 256 + codes.first, last: types.last * 256 + codes.last };
}

/** Mobility Header types as a port range, "the least significant eight bits set to zero" (RFC 7296 section 3.13.1). */
export function mobilityTypes(types: PortRange): PortRange {
  return { first: types.first * 256, last: types.last * 256 };
}

/** RFC 4301 section 4.4.1.2: "ANY: start = 0, end = <max>", which is no range of visible values. */
export function isAnyPort(ports: PortSelector): boolean {
  return ports.length === 0 || (ports !== 'opaque' && ports.some(({ first, last }) => first === 0 && last === 65535));
}

/** Throws PolicyError when a selector set is malformed or can match no packet. */
export function checkSelector(selector: TrafficSelector, path: string): void {
  checkRanges(selector.localAddresses, `${path}.localAddresses`);
  checkRanges(selector.remoteAddresses, `${path}.remoteAddresses`);
  if (!familyOf(selector, 4) && !familyOf(selector, 6)) {
    throw new PolicyError('EMPTY_SELECTOR', path, 'local and remote addresses have no family in common.');
  }
  checkProtocol(selector, path);
  checkPorts(selector, 'localPorts', path);
  checkPorts(selector, 'remotePorts', path);
  checkPortPair(selector, path);
}

/** Whether a selector can match packets of a family. */
export function familyOf(selector: TrafficSelector, family: Family): boolean {
  const has = (ranges: readonly AddressRange[]) =>
    ranges.length === 0 || ranges.some((range) => range.first.length === (family === 4 ? 4 : 16));
  return has(selector.localAddresses) && has(selector.remoteAddresses);
}

export function compareOctets(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < left.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function checkRanges(ranges: readonly AddressRange[], path: string): void {
  for (const [i, { first, last }] of ranges.entries()) {
    const at = `${path}[${i}]`;
    if ((first.length !== 4 && first.length !== 16) || first.length !== last.length) {
      throw new PolicyError('MALFORMED_RANGE', at, 'both ends have 4 octets, or both have 16.');
    }
    if (compareOctets(first, last) > 0) throw new PolicyError('MALFORMED_RANGE', at, 'first is greater than last.');
  }
}

function checkProtocol(selector: TrafficSelector, path: string): void {
  const { protocol } = selector;
  const at = `${path}.protocol`;
  if (protocol === 'any') return;
  if (protocol === 'opaque') {
    if (familyOf(selector, 6)) return;
    // RFC 4301 section 4.4.2.2: "The protocol field cannot be OPAQUE in IPv4."
    throw new PolicyError('EMPTY_SELECTOR', at, 'an IPv4 packet always shows its protocol: only IPv6 has "opaque".');
  }
  if (!(Number.isInteger(protocol) && protocol >= 0 && protocol <= 255)) {
    throw new PolicyError('PROTOCOL_OUT_OF_RANGE', at, 'a protocol is 0 to 255, "any" or "opaque".');
  }
  if (isSkippedExtension(protocol) && !familyOf(selector, 4)) {
    const what = `${protocol} is an IPv6 extension header, and the next layer protocol is what comes after those.`;
    throw new PolicyError('EMPTY_SELECTOR', at, what);
  }
}

function checkPorts(selector: TrafficSelector, field: 'localPorts' | 'remotePorts', path: string): void {
  const { protocol } = selector;
  const ports = selector[field];
  const at = `${path}.${field}`;
  if (ports === 'opaque') {
    // RFC 4301 section 7.1: with protocol ANY "the port field values are undefined and MUST be set to ANY as well".
    if (protocol === 'any') throw new PolicyError('PORTS_WITHOUT_PROTOCOL', at, 'opaque ports need one protocol.');
    return;
  }
  if (ports.length === 0) return;
  if (typeof protocol !== 'number' || !(hasPorts(protocol) || isMessageProtocol(protocol))) {
    throw new PolicyError('PORTS_WITHOUT_PROTOCOL', at, 'ports need a protocol that has ports.');
  }
  for (const [i, { first, last }] of ports.entries()) {
    const valid = Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= 65535;
    if (!valid) throw new PolicyError('MALFORMED_RANGE', `${at}[${i}]`, 'ports are 0 to 65535, first <= last.');
    if (protocol === PROTOCOL.mobility && Math.ceil(first / 256) * 256 > last) {
      throw new PolicyError('EMPTY_SELECTOR', `${at}[${i}]`, 'no Mobility Header type * 256 lies in this range.');
    }
  }
}

/** Of two ports a packet shows both or none; message types stand alone, and OPAQUE there means "not this way". */
function checkPortPair({ protocol, localPorts, remotePorts }: TrafficSelector, path: string): void {
  if (typeof protocol !== 'number' || !hasPorts(protocol)) return;
  const [hidden, shown] = localPorts === 'opaque' ? [localPorts, remotePorts] : [remotePorts, localPorts];
  if (hidden !== 'opaque' || shown === 'opaque' || isAnyPort(shown)) return;
  throw new PolicyError('EMPTY_SELECTOR', path, 'no packet hides one port and shows the other.');
}
