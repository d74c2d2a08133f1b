import type { AddressSet, Bundle } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { testBundle } from './test-bundle.js';

/** Places in the address sets of `addressedBundle`. */
export const ADDRESS_SETS = { local4: 0, local6: 1, remote4: 2, remote6: 3 } as const;

/** The test bundle with its addresses written as sets that its entries name. */
export function addressedBundle(): Bundle {
  const bundle = testBundle();
  const { local4, local6, remote4, remote6 } = ADDRESS_SETS;
  const [ipv4, ipv6] = bundle.securityPolicies;
  Object.assign(ipv4?.selector ?? {}, nameSets(local4, remote4));
  Object.assign(ipv6?.selector ?? {}, nameSets(local6, remote6));
  return {
    ...bundle,
    addressSets: [
      addressSet('10.1.0.0/24'),
      addressSet('2001:db8:1::/64'),
      addressSet('10.2.0.0/24', '10.2.2.0/24'),
      addressSet('2001:db8:2::/64'),
    ],
  };
}

/** The same with entries that name no tunnel, and the tunnel carrying what they protect. */
export function bundleByAddress(): Bundle {
  const { tunnels, securityPolicies, ...rest } = addressedBundle();
  const carries = [ADDRESS_SETS.remote4, ADDRESS_SETS.remote6];
  return {
    ...rest,
    tunnels: tunnels.map((tunnel) => ({ ...tunnel, carries: [...carries] })),
    securityPolicies: securityPolicies.map((policy) => ({
      ...policy,
      entryId: `${policy.entryId}, by address`,
      tunnelId: '',
    })),
  };
}

/** Of prefixes in ascending order. */
export function addressSet(...prefixes: readonly string[]): AddressSet {
  return {
    ranges: prefixes.map((prefix) => {
      const { first, last } = parsePrefix(prefix).range;
      return { first: Buffer.from(first), last: Buffer.from(last) };
    }),
  };
}

/** What a selector has in place of its lists of addresses. */
export function nameSets(localAddressSet: number, remoteAddressSet: number) {
  return { localAddresses: [], remoteAddresses: [], localAddressSet, remoteAddressSet };
}
