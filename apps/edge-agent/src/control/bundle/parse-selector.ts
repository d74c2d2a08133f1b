import {
  type PortRange as PortMessage,
  type AddressRange as RangeMessage,
  type Selector,
} from '@weft/contracts/southbound';
import type { AddressRange, PortRange, TrafficSelector } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import { addressRange } from './address-range.js';
import { integerWithin, limited, required } from './field.js';
import { type AddressSets, addressSetAt } from './parse-address-sets.js';

/**
 * Checks a selector (RFC 4301 section 4.4.1.1) and turns it into the engine's shape. Selectors that name one of `sets` have that very
 * list: a thousand of them take no more memory than one. Throws RejectionError.
 */
export function parseSelector(path: string, message: Selector | undefined, sets: AddressSets): TrafficSelector {
  const selector = required(path, message);
  const families = new Set<number>();
  const addresses = (side: 'local' | 'remote', list: readonly RangeMessage[], place: number | undefined) => {
    const at = `${path}.${side}_address`;
    if (place === undefined) return addressRanges(`${at}es`, list, families);
    if (list.length === 0) return setOfOneFamily(`${at}_set`, addressSetAt(`${at}_set`, place, sets), families);
    throw new RejectionError(`${at}_set`, 'unexpected_value', `${side}_addresses are there, too: it takes their place`);
  };
  const localAddresses = addresses('local', selector.localAddresses, selector.localAddressSet);
  const remoteAddresses = addresses('remote', selector.remoteAddresses, selector.remoteAddressSet);
  const protocol =
    selector.protocol === undefined ? 'any' : integerWithin(`${path}.protocol`, selector.protocol, 0, 255);
  const localPorts = portRanges(`${path}.local_ports`, selector.localPorts);
  const remotePorts = portRanges(`${path}.remote_ports`, selector.remotePorts);
  if (localPorts.length + remotePorts.length > 0 && (protocol === 'any' || !PROTOCOLS_WITH_PORTS.has(protocol))) {
    throw new RejectionError(
      path,
      'ports_without_protocol',
      `ports need a protocol that has them, not ${protocol === 'any' ? 'any protocol' : `protocol ${protocol}`}`,
    );
  }
  return { localAddresses, remoteAddresses, protocol, localPorts, remotePorts };
}

function addressRanges(path: string, ranges: readonly RangeMessage[], families: Set<number>): AddressRange[] {
  return limited(path, ranges, MAX_RANGES).map((message, index) => {
    const at = `${path}[${index}]`;
    const range = addressRange(at, message);
    expectOneFamily(at, range, families);
    return range;
  });
}

function setOfOneFamily(path: string, set: readonly AddressRange[], families: Set<number>): readonly AddressRange[] {
  for (const range of set.slice(0, 1)) expectOneFamily(path, range, families);
  return set;
}

function expectOneFamily(path: string, { first }: AddressRange, families: Set<number>): void {
  families.add(first.length);
  if (families.size === 1) return;
  throw new RejectionError(path, 'mixed_families', 'a selector holds addresses of one family only');
}

function portRanges(path: string, ranges: readonly PortMessage[]): PortRange[] {
  return limited(path, ranges, MAX_RANGES).map(({ first, last }, index) => {
    const at = `${path}[${index}]`;
    integerWithin(`${at}.first`, first, 0, 0xffff);
    integerWithin(`${at}.last`, last, 0, 0xffff);
    if (first > last) throw new RejectionError(at, 'reversed_range', 'first is higher than last');
    return { first, last };
  });
}

/** IANA: TCP, UDP, DCCP, SCTP, UDP-Lite. */
const PROTOCOLS_WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);
const MAX_RANGES = 4096;
