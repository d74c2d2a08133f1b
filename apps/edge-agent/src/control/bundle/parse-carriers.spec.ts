import { type Bundle, type Profile, SecurityPolicyAction } from '@weft/contracts/southbound';
import { parsePrefix } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { ADDRESS_SETS, addressSet, bundleByAddress, nameSets } from '../../../test/support/addressed-bundle.js';
import { negotiatedBundle } from '../../../test/support/negotiated-bundle.js';
import { PEER_ID, TRANSPORT_PROFILE, TUNNEL_ID } from '../../../test/support/test-bundle.js';
import { parseBundle } from './parse-bundle.js';

const OTHER_ID = '77777777-7777-4777-8777-777777777777';
const GROUP_ID = '88888888-8888-4888-8888-888888888888';
const { remote4, remote6 } = ADDRESS_SETS;

/** [what, how to spoil a good bundle, path, rule] */
const SPOILED: readonly [string, (bundle: Bundle) => void, string, string][] = [
  [
    'a tunnel that carries a set that is not there',
    (b) => (b.tunnels[0]!.carries = [remote4, 9]),
    'tunnels[0].carries[1]',
    'out_of_range',
  ],
  ['a group that carries a set that is not there', (b) => group(b, [9]), 'tunnel_groups[0].carries[0]', 'out_of_range'],
  [
    'a tunnel that carries a set twice',
    (b) => (b.tunnels[0]!.carries = [remote4, remote4]),
    'tunnels[0].carries[1]',
    'duplicate',
  ],
  ['a set that two tunnels carry', (b) => second(b, [remote6]), 'tunnels[1].carries[0]', 'duplicate'],
  [
    'two tunnels that carry an address',
    (b) => second(b, [b.addressSets.push(addressSet('10.2.2.255/32')) - 1]),
    'tunnels[1].carries',
    'duplicate',
  ],
  [
    'two tunnels of which the later one carries all that the earlier one does',
    (b) => second(b, [b.addressSets.push(addressSet('2001:db8::/32')) - 1]),
    'tunnels[1].carries',
    'duplicate',
  ],
  [
    'a tunnel that carries an address in two sets',
    (b) => b.tunnels[0]!.carries.push(b.addressSets.push(addressSet('10.2.0.7/32')) - 1),
    'tunnels[0].carries',
    'duplicate',
  ],
  [
    'a tunnel and a group that carry an address',
    (b) => {
      second(b, []);
      group(b, [b.addressSets.push(addressSet('10.2.0.7/32')) - 1], [OTHER_ID, third(b)]);
    },
    'tunnel_groups[0].carries',
    'duplicate',
  ],
  [
    'a tunnel that carries something beside its group',
    (b) => group(b, [remote4], undefined, [remote6]),
    'tunnels[0].carries',
    'unexpected_value',
  ],
  [
    'a DISCARD for a tunnel that carries its addresses',
    (b) =>
      Object.assign(b.securityPolicies[0]!, {
        action: SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD,
        tunnelId: TUNNEL_ID,
      }),
    'security_policies[0].tunnel_id',
    'unexpected_value',
  ],
  [
    '100000 entries that name a set of a thousand ranges each',
    (b) => {
      const many = {
        ranges: Array.from(
          { length: 1000 },
          (_, index) => addressSet(`10.${index >> 8}.${index & 255}.0/25`).ranges[0]!,
        ),
      };
      const place = b.addressSets.push(many) - 1;
      const entry = {
        ...b.securityPolicies[0]!,
        selector: { ...b.securityPolicies[0]!.selector!, remoteAddressSet: place },
      };
      b.securityPolicies = Array.from({ length: 100_000 }, (_, index) => ({ ...entry, entryId: `e${index}` }));
    },
    'security_policies[4190]',
    'too_many',
  ],
];

/** [what, how to spoil a good bundle of hosts, path, rule] */
const SPOILED_TRANSPORT: readonly [string, (bundle: Bundle) => void, string, string][] = [
  [
    'a peer that carries its neighbour, too',
    (b) => (b.addressSets[1] = addressSet('198.51.100.1/32', '198.51.100.3/32')),
    'tunnels[0].carries',
    'unsupported_value',
  ],
  [
    'a peer that carries the network around it',
    (b) => (b.addressSets[1] = addressSet('198.51.100.0/31')),
    'tunnels[0].carries',
    'unsupported_value',
  ],
  [
    'a peer that carries another address in place of its own',
    (b) => (b.addressSets[1] = addressSet('198.51.100.2/32')),
    'tunnels[0].carries',
    'unsupported_value',
  ],
  [
    'packets of other machines for the peer',
    (b) => (b.addressSets[0] = addressSet('192.0.2.0/31')),
    'security_policies[0].selector.local_addresses',
    'unsupported_value',
  ],
  [
    'packets of any machine for the peer',
    (b) => delete b.securityPolicies[0]!.selector!.localAddressSet,
    'security_policies[0].selector.local_addresses',
    'unsupported_value',
  ],
  [
    'packets of other machines for anybody',
    (b) => {
      delete b.securityPolicies[0]!.selector!.remoteAddressSet;
      b.addressSets[0] = addressSet('192.0.2.0/31');
    },
    'security_policies[0].selector.local_addresses',
    'unsupported_value',
  ],
  [
    'packets of any machine for anybody',
    (b) => Object.assign(b.securityPolicies[0]!.selector!, { localAddressSet: undefined, remoteAddressSet: undefined }),
    'security_policies[0].selector.local_addresses',
    'unsupported_value',
  ],
  [
    'packets of other machines for a network around the peer',
    (b) => {
      b.addressSets[0] = addressSet('192.0.2.0/31');
      b.addressSets.push(addressSet('198.51.96.0/24', '198.51.100.0/24', '198.51.102.0/24'));
      b.securityPolicies[0]!.selector!.remoteAddressSet = 2;
    },
    'security_policies[0].selector.local_addresses',
    'unsupported_value',
  ],
];

describe('what tunnels carry for entries that name none', () => {
  it('is all that the sets have which they name, of both IP versions', () => {
    const { carriers, policies } = parseBundle(bundleByAddress());
    const remote = ['10.2.0.0/24', '10.2.2.0/24', '2001:db8:2::/64'].map((text) => parsePrefix(text).range);
    expect(carriers).toEqual([{ tunnelId: TUNNEL_ID, addresses: remote }]);
    expect(policies.map((policy) => [policy.action, 'tunnelId' in policy])).toEqual([
      ['PROTECT', false],
      ['PROTECT', false],
    ]);
  });

  it('goes into any tunnel of a group that carries it, the preferred one first', () => {
    const bundle = bundleByAddress();
    group(bundle, [remote6, remote4]);
    const [carrier] = parseBundle(bundle).carriers;
    expect(carrier).toMatchObject({ tunnelId: OTHER_ID, alternatives: [OTHER_ID, TUNNEL_ID] });
    expect(carrier?.addresses).toHaveLength(3);
  });

  it('may be nothing, and entries that name their tunnels stand beside others', () => {
    const bundle = bundleByAddress();
    second(bundle, []);
    bundle.tunnels[0]!.carries = [];
    bundle.securityPolicies[1]!.tunnelId = OTHER_ID;
    const { carriers, policies } = parseBundle(bundle);
    expect(carriers).toEqual([]);
    expect(policies[0]).not.toHaveProperty('tunnelId');
    expect(policies[1]).toMatchObject({ tunnelId: OTHER_ID });
  });

  it('may touch what another tunnel carries', () => {
    const bundle = bundleByAddress();
    second(bundle, [bundle.addressSets.push(addressSet('10.2.1.0/24', '10.2.3.0/24')) - 1]);
    expect(parseBundle(bundle).carriers.map(({ tunnelId }) => tunnelId)).toEqual([TUNNEL_ID, OTHER_ID]);
  });

  it.each(SPOILED)('is refused with %s', (_, spoil, path, rule) => {
    const bundle = bundleByAddress();
    spoil(bundle);
    expect(() => parseBundle(bundle)).toThrow(expect.objectContaining({ path, rule }));
  });

  it('is the peer alone in transport mode, and what this edge itself sends it', () => {
    const bundle = hosts(TRANSPORT_PROFILE);
    expect(parseBundle(bundle).carriers).toEqual([
      { tunnelId: TUNNEL_ID, addresses: [parsePrefix('198.51.100.1/32').range] },
    ]);
  });

  it('leaves entries alone that are not for a peer in transport mode', () => {
    const bundle = hosts(TRANSPORT_PROFILE);
    const [entry] = bundle.securityPolicies;
    const more = (entryId: string, local: number, remote: number | undefined) =>
      bundle.securityPolicies.push({
        ...entry!,
        entryId,
        selector: { ...entry!.selector!, ...nameSets(local, remote ?? 0), remoteAddressSet: remote },
      });
    const beside = bundle.addressSets.push(addressSet('198.51.96.0/24', '198.51.100.2/31', '198.51.102.0/24')) - 1;
    const networks = bundle.addressSets.push(addressSet('10.1.0.0/24')) - 1;
    const ipv6 = bundle.addressSets.push(addressSet('2001:db8::/32')) - 1;
    more('beside', networks, beside);
    more('IPv6', ipv6, ipv6);
    more('IPv6 to anybody', ipv6, undefined);
    more('itself to anybody', 0, undefined);
    expect(parseBundle(bundle).policies).toHaveLength(5);
    more('to anybody', networks, undefined);
    expect(() => parseBundle(bundle)).toThrow(
      expect.objectContaining({ path: 'security_policies[5].selector.local_addresses', rule: 'unsupported_value' }),
    );
  });

  it.each(SPOILED_TRANSPORT)('is refused in transport mode with %s', (_, spoil, path, rule) => {
    const bundle = hosts(TRANSPORT_PROFILE);
    spoil(bundle);
    expect(() => parseBundle(bundle)).toThrow(expect.objectContaining({ path, rule }));
  });
});

/** Two hosts that protect what goes between their own addresses, by an entry that names no tunnel. */
function hosts(profile: Profile): Bundle {
  const site = (id: string, underlay: string, network: string) => ({ id, underlay, network });
  const bundle = negotiatedBundle(
    site(OTHER_ID, '192.0.2.1', '10.1.0.0/24'),
    site(PEER_ID, '198.51.100.1', '10.2.0.0/24'),
  );
  Object.assign(bundle.tunnels[0]!, { tunnelId: TUNNEL_ID, profile: { ...profile }, carries: [1] });
  const entry = bundle.securityPolicies[0]!;
  return {
    ...bundle,
    addressSets: [addressSet('192.0.2.1/32'), addressSet('198.51.100.1/32')],
    securityPolicies: [{ ...entry, tunnelId: '', selector: { ...nameSets(0, 1), localPorts: [], remotePorts: [] } }],
  };
}

/** Adds a second tunnel. */
function second(bundle: Bundle, carries: number[]): void {
  bundle.tunnels.push({ ...bundle.tunnels[0]!, tunnelId: OTHER_ID, peerEdgeId: OTHER_ID, carries });
}

/** Adds another that carries nothing, and says which. */
function third(bundle: Bundle): string {
  bundle.tunnels.push({ ...bundle.tunnels[0]!, tunnelId: PEER_ID, peerEdgeId: GROUP_ID, carries: [] });
  return PEER_ID;
}

/** Adds a second tunnel, and a group of both that carries these sets; or a group of others. */
function group(
  bundle: Bundle,
  carries: number[],
  tunnelIds: string[] = [OTHER_ID, TUNNEL_ID],
  carriedByFirst: number[] = [],
): void {
  if (bundle.tunnels.length === 1) {
    second(bundle, []);
    bundle.tunnels[0]!.carries = carriedByFirst;
  }
  bundle.tunnelGroups.push({
    groupId: GROUP_ID,
    tunnelIds,
    probeIntervalMilliseconds: 500,
    missedProbes: 3,
    holdDownSeconds: 30,
    carries,
  });
}
