import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AddressRange, parseAddress } from '../wire/ip/address.js';
import { type Carrier, CarrierTable, NO_CARRIER } from './carrier.js';

describe('who carries an address', () => {
  it('is the one whose ranges hold it, or nobody: at both ends of each range, and beside them', () => {
    fc.assert(
      fc.property(
        cuts(),
        fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 40, maxLength: 40 }),
        (all, owners) => {
          // Each cut begins an interval of both families, which one of four carriers has, or nobody.
          const carriers = [0, 1, 2, 3].flatMap((owner): Carrier[] => {
            const addresses = all.flatMap((first, i) =>
              owners[i] === owner ? FAMILIES.map((family) => rangeOf(family, first, (all[i + 1] ?? 65_536) - 1)) : [],
            );
            return addresses.length === 0 ? [] : [{ tunnelId: `t${owner}`, addresses }];
          });
          const table = new CarrierTable(carriers);
          for (const family of FAMILIES) {
            for (const value of [0, 65_535, ...all.flatMap((cut) => [cut - 1, cut, cut + 1])]) {
              if (value < 0 || value > 65_535) continue;
              const { first } = rangeOf(family, value, value);
              const wanted = carriers.findIndex(({ addresses }) => addresses.some((range) => holds(range, first)));
              expect(table.find(wordsOf(first), family), `${value} of IPv${family}`).toBe(wanted);
            }
          }
        },
      ),
    );
  });

  it('is nobody where there are no carriers, or only ones of the other family', () => {
    const address = wordsOf(parseAddress('10.2.0.1'));
    expect(new CarrierTable([]).find(address, 4)).toBe(NO_CARRIER);
    const all = { first: new Uint8Array(16), last: new Uint8Array(16).fill(255) };
    const table = new CarrierTable([{ tunnelId: 'a', addresses: [all] }]);
    expect([table.find(address, 4), table.find(address, 6)]).toEqual([NO_CARRIER, 0]);
  });
});

const FAMILIES = [4, 6] as const;

/** Where intervals begin, ascending; the last one ends where the address space that is drawn from does. */
function cuts(): fc.Arbitrary<readonly number[]> {
  return fc
    .uniqueArray(fc.oneof(fc.nat(65_535), fc.nat(8), fc.constant(65_535)), { minLength: 1, maxLength: 40 })
    .map((all) => all.toSorted((one, other) => one - other));
}

function rangeOf(family: 4 | 6, first: number, last: number): AddressRange {
  return { first: addressOf(family, first), last: addressOf(family, last) };
}

/** Ascending with the value: its high octet stands in the first octet of the address, its low one in the last. */
function addressOf(family: 4 | 6, value: number): Uint8Array {
  const octets = new Uint8Array(family === 4 ? 4 : 16);
  octets[0] = value >>> 8;
  octets[octets.length - 1] = value & 255;
  return octets;
}

function holds({ first, last }: AddressRange, address: Uint8Array): boolean {
  return first.length === address.length && Buffer.compare(first, address) <= 0 && Buffer.compare(address, last) <= 0;
}

function wordsOf(address: Uint8Array): Uint32Array {
  const view = new DataView(address.buffer, address.byteOffset);
  return Uint32Array.from({ length: 4 }, (_, word) => (4 * word < address.length ? view.getUint32(4 * word) : 0));
}
