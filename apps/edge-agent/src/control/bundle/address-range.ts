import type { AddressRange as RangeMessage } from '@weft/contracts/southbound';
import type { AddressRange } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';

/** An address range of a bundle in the engine's shape, in octets of its own. Throws RejectionError. */
export function addressRange(path: string, { first, last }: RangeMessage): AddressRange {
  if (first.length !== 4 && first.length !== 16) {
    throw new RejectionError(`${path}.first`, 'bad_address', `an address has 4 or 16 octets, not ${first.length}`);
  }
  if (last.length !== first.length) {
    throw new RejectionError(`${path}.last`, 'mixed_families', 'first and last are not of one family');
  }
  if (Buffer.compare(first, last) > 0) {
    throw new RejectionError(path, 'reversed_range', 'first is higher than last');
  }
  return { first: new Uint8Array(first), last: new Uint8Array(last) };
}
