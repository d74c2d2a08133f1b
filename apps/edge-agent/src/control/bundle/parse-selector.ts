import {
  type PortRange as PortMessage,
  type AddressRange as RangeMessage,
  type Selector,
} from '@weft/contracts/southbound';
import type { AddressRange, PortRange, TrafficSelector } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import { integerWithin, limited, required } from './field.js';

/** Checks a selector (RFC 4301 section 4.4.1.1) and turns it into the engine's shape. */
export function parseSelector(path: string, message: Selector | undefined): TrafficSelector {
  const selector = required(path, message);
  const families = new Set<number>();
  const localAddresses = addressRanges(`${path}.local_addresses`, selector.localAddresses, families);
  const remoteAddresses = addressRanges(`${path}.remote_addresses`, selector.remoteAddresses, families);
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
  return limited(path, ranges, MAX_RANGES).map(({ first, last }, index) => {
    const at = `${path}[${index}]`;
    if (first.length !== 4 && first.length !== 16) {
      throw new RejectionError(`${at}.first`, 'bad_address', `an address has 4 or 16 octets, not ${first.length}`);
    }
    if (last.length !== first.length) {
      throw new RejectionError(`${at}.last`, 'mixed_families', 'first and last are not of one family');
    }
    if (Buffer.compare(first, last) > 0) {
      throw new RejectionError(at, 'reversed_range', 'first is higher than last');
    }
    families.add(first.length);
    if (families.size > 1) {
      throw new RejectionError(at, 'mixed_families', 'a selector holds addresses of one family only');
    }
    return { first: new Uint8Array(first), last: new Uint8Array(last) };
  });
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
