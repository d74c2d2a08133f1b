import type { AddressSet } from '@weft/contracts/southbound';
import type { AddressRange } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import { addressRange } from './address-range.js';
import { limited } from './field.js';

/** Lists of addresses that a bundle writes once, by their place. Each is of one family, ascending, and not empty. */
export type AddressSets = readonly (readonly AddressRange[])[];

/** Checks the lists of addresses that selectors, tunnels and groups name. Throws RejectionError. */
export function parseAddressSets(messages: readonly AddressSet[]): AddressSets {
  let ranges = 0;
  return limited('address_sets', messages, MAX_SETS).map((message, index) => {
    const path = `address_sets[${index}].ranges`;
    ranges += message.ranges.length;
    if (ranges > MAX_RANGES) {
      throw new RejectionError(path, 'too_many', `the sets up to this one have more than ${MAX_RANGES} ranges in all`);
    }
    if (message.ranges.length === 0) throw new RejectionError(path, 'too_few', 'a set has one range or more');
    const set = message.ranges.map((range, place) => addressRange(`${path}[${place}]`, range));
    for (const [place, range] of set.entries()) expectAfter(`${path}[${place}]`, range, set[place - 1]);
    return set;
  });
}

/** The set in a place that a field names; the same list whoever asks. Throws RejectionError. */
export function addressSetAt(path: string, place: number, sets: AddressSets): readonly AddressRange[] {
  const set = sets[place];
  if (set !== undefined) return set;
  throw new RejectionError(
    path,
    'out_of_range',
    `the bundle has ${sets.length} address sets, and none in place ${place}`,
  );
}

function expectAfter(path: string, { first }: AddressRange, before: AddressRange | undefined): void {
  if (before === undefined) return;
  if (first.length !== before.last.length) {
    throw new RejectionError(path, 'mixed_families', 'a set holds addresses of one family only');
  }
  if (Buffer.compare(first, before.last) <= 0 || isNext(before.last, first)) {
    throw new RejectionError(path, 'unexpected_value', 'ranges of a set ascend, and do not touch');
  }
}

/** Whether no address is between two of a family, of which the second is higher. */
function isNext(address: Uint8Array, next: Uint8Array): boolean {
  const raised = address.findLastIndex((octet) => octet !== 0xff);
  return next.every(
    (octet, place) => octet === (place < raised ? address[place] : place === raised ? (address[place] ?? 0) + 1 : 0),
  );
}

/** Of each of the 4096 tunnels two, and as many again for entries as there are rules in the largest policy. */
const MAX_SETS = 65_536;
/** As many as fit the content of a bundle, nearly: each is there once, however many name it. */
const MAX_RANGES = 1_000_000;
