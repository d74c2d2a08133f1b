import type { Bundle } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDRESS_SETS, addressedBundle, addressSet } from '../../../test/support/addressed-bundle.js';
import { parseAddressSets } from './parse-address-sets.js';
import { parseBundle } from './parse-bundle.js';

const { local6 } = ADDRESS_SETS;

/** [what, how to spoil a good bundle, path, rule] */
const SPOILED: readonly [string, (bundle: Bundle) => void, string, string][] = [
  ['a set of nothing', (b) => (b.addressSets[1] = addressSet()), 'address_sets[1].ranges', 'too_few'],
  [
    'an address of 5 octets',
    (b) => (b.addressSets[2]!.ranges[1]!.first = Buffer.alloc(5)),
    'address_sets[2].ranges[1].first',
    'bad_address',
  ],
  [
    'a range of two families',
    (b) => (b.addressSets[0]!.ranges[0]!.last = Buffer.alloc(16, 255)),
    'address_sets[0].ranges[0].last',
    'mixed_families',
  ],
  [
    'a set of two families',
    (b) => (b.addressSets[0] = addressSet('10.1.0.0/24', '2001:db8::/64')),
    'address_sets[0].ranges[1]',
    'mixed_families',
  ],
  [
    'a reversed range',
    (b) => (b.addressSets[0]!.ranges[0]!.first = Buffer.alloc(4, 255)),
    'address_sets[0].ranges[0]',
    'reversed_range',
  ],
  [
    'ranges that descend',
    (b) => (b.addressSets[0] = addressSet('10.1.2.0/24', '10.1.0.0/24')),
    'address_sets[0].ranges[1]',
    'unexpected_value',
  ],
  [
    'a range twice',
    (b) => (b.addressSets[0] = addressSet('10.1.0.0/24', '10.1.0.0/24')),
    'address_sets[0].ranges[1]',
    'unexpected_value',
  ],
  [
    'ranges that overlap',
    (b) => (b.addressSets[0] = addressSet('10.1.0.0/24', '10.1.0.255/32')),
    'address_sets[0].ranges[1]',
    'unexpected_value',
  ],
  [
    'ranges that touch',
    (b) => (b.addressSets[0] = addressSet('10.0.0.0/16', '10.1.0.0/24')),
    'address_sets[0].ranges[1]',
    'unexpected_value',
  ],
  [
    'a local set that is not there',
    (b) => (selector(b).localAddressSet = 4),
    'security_policies[0].selector.local_address_set',
    'out_of_range',
  ],
  [
    'a remote set that is not there',
    (b) => (selector(b).remoteAddressSet = 4),
    'security_policies[0].selector.remote_address_set',
    'out_of_range',
  ],
  [
    'local addresses beside a set of them',
    (b) => (selector(b).localAddresses = addressSet('10.1.0.0/24').ranges),
    'security_policies[0].selector.local_address_set',
    'unexpected_value',
  ],
  [
    'remote addresses beside a set of them',
    (b) => (selector(b).remoteAddresses = addressSet('10.2.0.0/24').ranges),
    'security_policies[0].selector.remote_address_set',
    'unexpected_value',
  ],
  [
    'sets of two families in an entry',
    (b) => (selector(b).localAddressSet = local6),
    'security_policies[0].selector.remote_address_set',
    'mixed_families',
  ],
  ['65537 sets', (b) => (b.addressSets = new Array(65_537).fill(b.addressSets[0])), 'address_sets', 'too_many'],
];

describe('the address sets of a bundle', () => {
  it('are what the selectors have that name them, the same list in all of them', () => {
    const bundle = addressedBundle();
    bundle.securityPolicies.push({ ...bundle.securityPolicies[0]!, entryId: 'again' });
    const { policies } = parseBundle(bundle);
    const [first, , again] = policies.map(({ selectors: [only] }) => only);
    expect(first?.remoteAddresses).toEqual(['10.2.0.0/24', '10.2.2.0/24'].map((text) => parsePrefix(text).range));
    expect(again?.remoteAddresses).toBe(first?.remoteAddresses);
    expect(again?.localAddresses).toBe(first?.localAddresses);
  });

  it('stand beside lists that an entry writes itself', () => {
    const bundle = addressedBundle();
    Object.assign(selector(bundle), { localAddressSet: undefined, localAddresses: addressSet('10.1.0.7/32').ranges });
    const [entry] = parseBundle(bundle).policies;
    expect(entry?.selectors[0]?.localAddresses).toEqual([parsePrefix('10.1.0.7/32').range]);
    expect(entry?.selectors[0]?.remoteAddresses).toHaveLength(2);
  });

  it.each(SPOILED)('with %s are refused', (_, spoil, path, rule) => {
    const bundle = addressedBundle();
    spoil(bundle);
    expect(() => parseBundle(bundle)).toThrow(expect.objectContaining({ path, rule }));
  });

  it('have a million ranges at most, in all of them', () => {
    const one = addressSet('10.1.0.0/24');
    const million = { ranges: new Array(1_000_000).fill(one.ranges[0]) };
    expect(() => parseAddressSets([one, million])).toThrow(
      expect.objectContaining({ path: 'address_sets[1].ranges', rule: 'too_many' }),
    );
  });

  it('are taken where each range begins two or more above the end of the one before, and nowhere else', () => {
    const octets = (value: number) => Buffer.of(10, 0, value >>> 8, value & 0xff);
    const range = fc.tuple(fc.integer({ min: 250, max: 260 }), fc.integer({ min: 0, max: 2 }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 3 }), (list) => {
        const ends = list.map(([first, more]) => [first, first + more] as const);
        const apart = ends.every(([first], place) => place === 0 || first > (ends[place - 1]?.[1] ?? 0) + 1);
        const parse = () =>
          parseAddressSets([{ ranges: ends.map(([first, last]) => ({ first: octets(first), last: octets(last) })) }]);
        if (apart) expect(parse()[0]).toHaveLength(list.length);
        else expect(parse).toThrow(expect.objectContaining({ rule: 'unexpected_value' }));
      }),
    );
  });
});

function selector(bundle: Bundle): NonNullable<Bundle['securityPolicies'][number]['selector']> {
  return bundle.securityPolicies[0]!.selector!;
}
