import { Bundle, type SecurityPolicy, SecurityPolicyAction, type Selector } from '@weft/contracts/southbound';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasTunnelsByAddress, withTunnelsNamed } from './bundle-forms.js';

const PROTECT = SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT;
const DISCARD = SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD;

describe('a bundle for an agent that knows tunnels by name alone', () => {
  it('decides every packet as it did, with an entry for each tunnel, and names nothing that such an agent does not know', () => {
    const seen = { protected: 0, discarded: 0 };
    fc.assert(
      fc.property(
        drawnBundle(),
        fc.array(fc.tuple(address(), address()), { minLength: 40, maxLength: 40 }),
        (bundle, pairs) => {
          const named = withTunnelsNamed(bundle);
          expect(hasTunnelsByAddress(named)).toBe(false);
          for (const [local, remote] of pairs) {
            const [before, after] = [decisionOf(bundle, local, remote), decisionOf(named, local, remote)];
            expect(after).toBe(before);
            seen[before === 'discarded' ? 'discarded' : 'protected'] += 1;
          }
          const ids = named.securityPolicies.map(({ entryId }) => entryId);
          expect(new Set(ids).size).toBe(ids.length);
          expect(ids.every((id) => id.length <= 255)).toBe(true);
          for (const { selector } of named.securityPolicies) {
            expect([selector?.localAddressSet, selector?.remoteAddressSet]).toEqual([undefined, undefined]);
            // An empty list would be every address.
            expect(selector?.localAddresses).not.toEqual([]);
            expect(selector?.remoteAddresses).not.toEqual([]);
          }
          expect([...named.tunnels, ...named.tunnelGroups].every(({ carries }) => carries.length === 0)).toBe(true);
          expect(Bundle.decode(Bundle.encode(named).finish())).toEqual(named);
        },
      ),
      { numRuns: 200 },
    );
    expect(Math.min(seen.protected, seen.discarded)).toBeGreaterThan(200);
  });

  it('has no more entries than show that it is too large, however many there would be', () => {
    const peers = Array.from({ length: 600 }, (_, peer) => peer);
    const rangeOf = (peer: number) => ({
      first: Buffer.from([10, peer >> 8, peer & 255, 0]),
      last: Buffer.from([10, peer >> 8, peer & 255, 9]),
    });
    const bundle = Bundle.fromPartial({
      addressSets: [{ ranges: peers.map(rangeOf) }, ...peers.map((peer) => ({ ranges: [rangeOf(peer)] }))],
      tunnels: peers.map((peer) => ({ tunnelId: `t${peer}`, carries: [peer + 1] })),
      securityPolicies: Array.from({ length: 400 }, (_, entry) => ({
        entryId: `e${entry}`,
        action: PROTECT,
        selector: { localAddressSet: 0, remoteAddressSet: 0 },
      })),
    });
    expect(withTunnelsNamed(bundle).securityPolicies.length).toBe(100_001);
  });
});

/** A tunnel or a group, or why not, read entry by entry. */
function decisionOf(bundle: Bundle, local: number, remote: number): string {
  const listAt = (place: number) => bundle.addressSets[place]?.ranges ?? [];
  const holds = (ranges: readonly { readonly first: Buffer; readonly last: Buffer }[], value: number) =>
    ranges.some(({ first, last }) => (first[3] ?? 0) <= value && value <= (last[3] ?? 0));
  const listOf = (selector: Selector | undefined, side: 'local' | 'remote') => {
    const place = selector?.[`${side}AddressSet`];
    return place === undefined ? (selector?.[`${side}Addresses`] ?? []) : listAt(place);
  };
  const entry = bundle.securityPolicies.find(
    ({ selector }) => holds(listOf(selector, 'local'), local) && holds(listOf(selector, 'remote'), remote),
  );
  if (entry === undefined || entry.action === DISCARD) return 'discarded';
  if (entry.tunnelId !== '') return entry.tunnelId;
  const carriers = [
    ...bundle.tunnels.map(({ tunnelId, carries }) => [tunnelId, carries] as const),
    ...bundle.tunnelGroups.map(({ groupId, carries }) => [groupId, carries] as const),
  ];
  return carriers.find(([, carries]) => carries.some((place) => holds(listAt(place), remote)))?.[0] ?? 'discarded';
}

function address(): fc.Arbitrary<number> {
  return fc.nat(15);
}

/** Ascending and apart, of 16 addresses. */
function list(): fc.Arbitrary<{ readonly first: Buffer; readonly last: Buffer }[]> {
  return fc
    .subarray(
      Array.from({ length: 16 }, (_, value) => value),
      { minLength: 1 },
    )
    .map((values) => {
      const ranges: [number, number][] = [];
      for (const value of values) {
        const last = ranges.at(-1);
        if (last !== undefined && last[1] === value - 1) last[1] = value;
        else ranges.push([value, value]);
      }
      return ranges.map(([first, last]) => ({
        first: Buffer.from([10, 0, 0, first]),
        last: Buffer.from([10, 0, 0, last]),
      }));
    });
}

/** Each address is carried by one of two tunnels or a group, or by nobody. */
function drawnBundle(): fc.Arbitrary<Bundle> {
  const owners = fc.array(fc.constantFrom('t1', 't2', 'group', ''), { minLength: 16, maxLength: 16 });
  const entries = fc.array(
    fc.record({
      local: fc.nat(3),
      remote: fc.nat(3),
      kind: fc.constantFrom('by address', 'by address', 'by name', 'discard'),
      inline: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  );
  return fc.tuple(fc.array(list(), { minLength: 4, maxLength: 4 }), owners, entries).map(([lists, owned, drawn]) => {
    const carried = (owner: string) =>
      owned.flatMap((one, value) =>
        one === owner ? [{ first: Buffer.from([10, 0, 0, value]), last: Buffer.from([10, 0, 0, value]) }] : [],
      );
    const sets = [...lists, ...['t1', 't2', 'group'].map(carried)];
    const placesOf = (place: number) => ((sets[place] ?? []).length === 0 ? [] : [place]);
    return Bundle.fromPartial({
      addressSets: sets.map((ranges) => ({ ranges })),
      tunnels: [
        { tunnelId: 't1', carries: placesOf(4) },
        { tunnelId: 't2', carries: placesOf(5) },
      ],
      tunnelGroups: [{ groupId: 'group', tunnelIds: ['t3', 't4'], carries: placesOf(6) }],
      securityPolicies: drawn.map(({ local, remote, kind, inline }, index): SecurityPolicy => {
        const named = { localAddresses: [], remoteAddresses: [], localAddressSet: local, remoteAddressSet: remote };
        const written = { localAddresses: lists[local] ?? [], remoteAddresses: lists[remote] ?? [] };
        return {
          entryId: `e${index}`,
          ruleId: 'rule',
          action: kind === 'discard' ? DISCARD : PROTECT,
          tunnelId: kind === 'by name' ? 't1' : '',
          selector: { ...(inline ? written : named), localPorts: [], remotePorts: [] },
        };
      }),
    });
  });
}
