import { PolicyError } from '../errors.js';
import type { AddressRange, Family } from '../wire/ip/address.js';
import { hasPorts, OPAQUE_PORT, OPAQUE_PROTOCOL, PROTOCOL } from '../wire/ip/protocol.js';

/** Both ends included. For ICMP and ICMPv6 a "port" is type * 256 + code, for Mobility Header it is type * 256. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** RFC 4301 section 4.4.1.1. An empty list means any value, also one that the packet does not show (OPAQUE). */
export interface TrafficSelector {
  readonly localAddresses: readonly AddressRange[];
  readonly remoteAddresses: readonly AddressRange[];
  readonly protocol: number | 'any';
  readonly localPorts: readonly PortRange[];
  readonly remotePorts: readonly PortRange[];
}

/** Inclusive integers. */
export interface Interval {
  readonly first: number;
  readonly last: number;
}

export const ANY_PROTOCOL: Interval = { first: 0, last: OPAQUE_PROTOCOL };
export const ANY_PORT: Interval = { first: 0, last: OPAQUE_PORT };

/** Throws PolicyError when a selector is malformed or can match no packet. */
export function checkSelector(selector: TrafficSelector, path: string): void {
  checkRanges(selector.localAddresses, `${path}.localAddresses`);
  checkRanges(selector.remoteAddresses, `${path}.remoteAddresses`);
  checkProtocol(selector, path);
  checkPorts(selector.localPorts, `${path}.localPorts`);
  checkPorts(selector.remotePorts, `${path}.remotePorts`);
  if (!familyOf(selector, 4) && !familyOf(selector, 6)) {
    throw new PolicyError('EMPTY_SELECTOR', path, 'local and remote addresses have no family in common.');
  }
}

/** Whether a selector can match packets of a family. */
export function familyOf(selector: TrafficSelector, family: Family): boolean {
  const has = (ranges: readonly AddressRange[]) =>
    ranges.length === 0 || ranges.some((range) => range.first.length === (family === 4 ? 4 : 16));
  return has(selector.localAddresses) && has(selector.remoteAddresses);
}

function checkRanges(ranges: readonly AddressRange[], path: string): void {
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
  if (protocol !== 'any' && !(Number.isInteger(protocol) && protocol >= 0 && protocol <= 255)) {
    throw new PolicyError('PROTOCOL_OUT_OF_RANGE', `${path}.protocol`, 'a protocol is 0 to 255 or "any".');
  }
  if (selector.localPorts.length === 0 && selector.remotePorts.length === 0) return;
  const portLike: readonly number[] = [PROTOCOL.icmp, PROTOCOL.icmpv6, PROTOCOL.mobility];
  if (protocol === 'any' || !(hasPorts(protocol) || portLike.includes(protocol))) {
    throw new PolicyError('PORTS_WITHOUT_PROTOCOL', path, 'ports need a protocol that has ports.');
  }
}

function checkPorts(ports: readonly PortRange[], path: string): void {
  for (const [i, { first, last }] of ports.entries()) {
    const valid = Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= 65535;
    if (!valid) throw new PolicyError('MALFORMED_RANGE', `${path}[${i}]`, 'ports are 0 to 65535, first <= last.');
  }
}

export function compareOctets(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < left.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
