import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryHosts, arbitraryIntent } from '../../test/arbitrary-intent.js';
import { bundleOf, compileFabric, namedEntries } from '../../test/compile-fabric.js';
import { octetsFromNumber } from '../address/octets.js';
import { parseAddressText } from '../address/text.js';
import type { EdgeBundle } from '../bundle.js';
import type { KeyingMode } from '../intent.js';

describe('what tunnels are protected with', () => {
  it('lets the edges negotiate with the same configuration at both ends, or leaves the keys to the controller', () => {
    fc.assert(
      fc.property(arbitraryIntent(), fc.constantFrom(...KEYING_MODES, undefined), (intent, mode) => {
        const result = compileFabric({ ...intent, ...(mode === undefined ? {} : { keyingMode: mode }) });
        fc.pre(result.ok && result.tunnels.length > 0);
        for (const { tunnelId, edgeIds, keyingMode } of result.tunnels) {
          const [one, other] = edgeIds.map((id) =>
            bundleOf(result.bundles, id).tunnels.find((tunnel) => tunnel.tunnelId === tunnelId),
          );
          expect(keyingMode).toBe(mode ?? 'ike-less');
          expect(one?.keying).toEqual(other?.keying);
          expect(one?.keying.mode).toBe(keyingMode);
          // What is recorded today must not be readable with a quantum computer: no proposal without ML-KEM.
          const exchanges = one?.keying.mode === 'ikev2' ? one.keying.ike.proposals.map((p) => p.keyExchange) : [];
          expect(exchanges.every(({ additionalMethods }) => additionalMethods.includes(36))).toBe(true);
        }
      }),
    );
  });

  it('says what ESP travels in, and leaves room for UDP wherever edges may find a NAT', () => {
    const choices = fc.tuple(fc.constantFrom('udp', 'none', undefined), fc.constantFrom(...KEYING_MODES));
    fc.assert(
      fc.property(arbitraryIntent(), choices, (intent, [encapsulation, keyingMode]) => {
        const chosen = compileFabric({ ...intent, keyingMode, ...(encapsulation && { encapsulation }) });
        const usual = compileFabric(intent);
        fc.pre(chosen.ok && usual.ok);
        const profiles = [...chosen.bundles.values()].flatMap(({ tunnels }) => tunnels.map(({ profile }) => profile));
        for (const profile of [...profiles, ...chosen.tunnels.map((tunnel) => tunnel.profile)]) {
          expect(profile.protocol === 'ah' ? 'none' : (profile.encapsulation ?? 'udp')).toBe(encapsulation ?? 'udp');
        }
        // The header of UDP has 8 octets, and those of ESP are aligned to four.
        const more = encapsulation === 'none' && keyingMode !== 'ikev2' ? 8 : 0;
        for (const [edgeId, { device }] of chosen.bundles) {
          expect(device.mtu).toBe(bundleOf(usual.bundles, edgeId).device.mtu + more);
        }
      }),
    );
  });

  it('has edges make keys by relayed messages where the controller would make them, and nothing else is otherwise', () => {
    let tunnels = 0;
    fc.assert(
      fc.property(arbitraryIntent(true), (intent) => {
        const made = compileFabric({ ...intent, keyingMode: 'ike-less' });
        const relayed = compileFabric({ ...intent, keyingMode: 'controller-blind' });
        expect(relayed.ok).toBe(made.ok);
        if (!made.ok || !relayed.ok) {
          expect(relayed).toEqual(made);
          return;
        }
        const lifetimes = { softLifetimeSeconds: 3600, hardLifetimeSeconds: 259_200 };
        const keying = { mode: 'controller-blind' as const, lifetimes };
        for (const [edgeId, bundle] of made.bundles) {
          const between = bundle.tunnels.map((each) => (each.external === undefined ? { ...each, keying } : each));
          tunnels += between.length;
          expect(bundleOf(relayed.bundles, edgeId)).toEqual({ ...bundle, tunnels: between });
        }
        expect(relayed.tunnels).toEqual(made.tunnels.map((each) => ({ ...each, keyingMode: 'controller-blind' })));
      }),
      { numRuns: 200 },
    );
    expect(tunnels).toBeGreaterThan(100);
  });

  it('protects with AH between the same ends, for the same packets and with all the room there is, or says where AH cannot be', () => {
    const seen = { made: 0, refused: 0 };
    fc.assert(
      fc.property(arbitraryIntent(true), fc.constantFrom(...KEYING_MODES), (intent, keyingMode) => {
        const esp = compileFabric({ ...intent, keyingMode });
        fc.pre(esp.ok);
        const ah = compileFabric({ ...intent, keyingMode, securityProtocol: 'ah' });
        const doubled = intent.edges.filter(({ preference = 1 }) => preference === 2).length;
        seen[ah.ok ? 'made' : 'refused'] += 1;
        if (!ah.ok) {
          expect(count(ah.problems.map(({ rule }) => rule))).toEqual({
            ...(keyingMode !== 'ikev2' && { ah_without_negotiation: 1 }),
            ...(doubled > 0 && { ah_with_several_edges: doubled }),
          });
          return;
        }
        expect([keyingMode, doubled]).toEqual(['ikev2', 0]);
        for (const [edgeId, { tunnels, device, ...rest }] of ah.bundles) {
          const { tunnels: usual, device: _, ...same } = bundleOf(esp.bundles, edgeId);
          expect(rest).toEqual(same);
          expect(tunnels.map(({ profile: _profile, ...tunnel }) => tunnel)).toEqual(
            usual.map(({ profile: _profile, ...tunnel }) => tunnel),
          );
          for (const { profile } of tunnels) expect(profile).toMatchObject({ protocol: 'ah', replayWindow: 1024 });
          // 20 octets of IPv4, 12 of AH, and 16 of ICV.
          expect(device.mtu).toBe(1500 - 48);
        }
        for (const { profile } of ah.tunnels) expect(profile.protocol).toBe('ah');
      }),
      { numRuns: 200 },
    );
    expect(Math.min(seen.made, seen.refused)).toBeGreaterThan(10);
  });

  it.each([
    // The packet keeps its header of 20 or 40 octets; ESP of AES-GCM adds 8, 8 and 16 octets, a trailer of 2, and padding to four.
    [4, 'esp', 1466],
    [6, 'esp', 1466],
    [4, 'ah', 1472],
    [6, 'ah', 1468],
  ] as const)(
    'protects in transport mode exactly what goes between the underlay addresses of two hosts: IPv%s, %s',
    (family, securityProtocol, mtu) => {
      let protectedEntries = 0;
      fc.assert(
        fc.property(arbitraryHosts(family), fc.constantFrom('udp', 'none', undefined), (intent, encapsulation) => {
          const wanted = { ...intent, securityProtocol, ...(encapsulation === undefined ? {} : { encapsulation }) };
          // The same between the same addresses behind edges that are elsewhere decides every packet, as is shown above.
          const elsewhere = wanted.edges.map((edge) => ({ ...edge, underlayAddress: `198.51.100.${edge.id.at(-1)}` }));
          const usual = compileFabric({ ...wanted, edges: elsewhere });
          const result = compileFabric({ ...wanted, mode: 'transport' });
          expect(result.ok ? [] : result.problems).toEqual(usual.ok ? [] : usual.problems);
          fc.pre(result.ok && usual.ok);
          for (const [edgeId, bundle] of result.bundles) {
            expect(bundle.device.mtu).toBe(mtu);
            protectedEntries += expectHost(bundle, bundleOf(usual.bundles, edgeId));
          }
          for (const { profile } of result.tunnels) expect(profile.mode).toBe('transport');
        }),
        { numRuns: 100 },
      );
      expect(protectedEntries).toBeGreaterThan(50);
    },
  );

  it('refuses transport mode for whatever is not the address of a host, once for each', () => {
    const seen = { made: 0, refused: 0 };
    const spoil = fc.record({
      keyingMode: fc.constantFrom('ikev2', 'ikev2', 'ikev2', 'ike-less', 'controller-blind'),
      // A network more at a site, a network that is wider than its host, and the networks of two sites exchanged.
      more: fc.integer({ min: -3, max: 1 }),
      wider: fc.integer({ min: -3, max: 1 }),
      exchanged: fc.integer({ min: 0, max: 3 }).map((value) => value === 0),
    });
    fc.assert(
      fc.property(arbitraryHosts(4), spoil, (hosts, { keyingMode, more, wider, exchanged }) => {
        // Rules may name what is no more; they are not what this is about.
        const intent = { ...hosts, policies: [] };
        const served = new Set(intent.edges.map((edge) => edge.siteId));
        const at = (index: number) => intent.networks[index];
        const beside = { id: 'more', name: 'more', prefix: '10.9.0.0/24', siteId: at(more)?.siteId ?? '' };
        const networks = intent.networks
          .map((network, index) => (index === wider ? { ...network, prefix: '203.0.113.0/29' } : network))
          .map((network, index, all) =>
            exchanged && index < 2 ? { ...network, prefix: all[1 - index]?.prefix ?? '' } : network,
          );
        const result = compileFabric({
          ...intent,
          keyingMode,
          mode: 'transport',
          networks: more < 0 ? networks : [...networks, beside],
        });
        const sound = keyingMode === 'ikev2' && more < 0 && wider < 0 && !exchanged;
        const harmless = keyingMode === 'ikev2' && wider < 0 && !exchanged && more >= 0 && !served.has(beside.siteId);
        seen[result.ok ? 'made' : 'refused'] += 1;
        expect(result.ok).toBe(sound || harmless);
        const rules = new Set(result.ok ? [] : result.problems.map(({ rule }) => rule));
        if (keyingMode !== 'ikev2') expect(rules).toContain('transport_without_negotiation');
        // What is broken at the edge is said there first; it is not served then.
        if (exchanged || wider >= 0) expect(rules).toContain('underlay_inside_overlay');
        else if (more >= 0 && served.has(beside.siteId)) expect(rules).toContain('transport_beyond_host');
      }),
      { numRuns: 300 },
    );
    expect(Math.min(seen.made, seen.refused)).toBeGreaterThan(10);
  });

  it('takes the underlay address of an edge for its own network in transport mode alone', () => {
    fc.assert(
      fc.property(arbitraryHosts(4), (intent) => {
        const result = compileFabric({ ...intent, policies: [] });
        expect(result.ok ? [] : result.problems.map(({ rule }) => rule)).toEqual(
          intent.edges.map(() => 'underlay_inside_overlay'),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('refuses AH exactly where a policy in force asks for confidentiality and allows something', () => {
    const seen = { made: 0, refused: 0 };
    fc.assert(
      fc.property(arbitraryIntent(), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), (intent, asked) => {
        fc.pre(compileFabric(intent).ok);
        const policies = intent.policies.map((policy, index) => ({ ...policy, confidential: asked[index] === true }));
        const result = compileFabric({ ...intent, keyingMode: 'ikev2', securityProtocol: 'ah', policies });
        const wanted = policies.flatMap(({ enabled, confidential, rules }, index) =>
          enabled && confidential && rules.some((rule) => rule.enabled !== false && rule.action === 'PROTECT')
            ? [`/policies/${index}/confidential`]
            : [],
        );
        seen[result.ok ? 'made' : 'refused'] += 1;
        const problems = result.ok ? [] : result.problems;
        expect(problems.map(({ pointer }) => pointer)).toEqual(wanted);
        expect(new Set(problems.map(({ rule }) => rule)).size).toBe(wanted.length === 0 ? 0 : 1);
        // With ESP everybody has it.
        expect(compileFabric({ ...intent, policies })).toEqual(compileFabric(intent));
      }),
      { numRuns: 200 },
    );
    expect(Math.min(seen.made, seen.refused)).toBeGreaterThan(10);
  });
});

const KEYING_MODES = ['ikev2', 'ike-less', 'controller-blind'] as const satisfies KeyingMode[];

/** The bundle of a host in transport mode is, but for the mode, that of an edge that is elsewhere. @returns what it protects */
function expectHost(bundle: EdgeBundle, elsewhere: EdgeBundle): number {
  const { underlay, device: _mtu, tunnels, ...same } = bundle;
  const { underlay: _place, device: _device, tunnels: others, ...rest } = elsewhere;
  expect(same).toEqual(rest);
  expect(tunnels.map(({ tunnelId }) => tunnelId)).toEqual(others.map(({ tunnelId }) => tunnelId));
  for (const { profile } of tunnels) {
    expect(profile).toMatchObject(
      profile.protocol === 'ah' ? { mode: 'transport' } : { mode: 'transport', encapsulation: 'none' },
    );
  }
  const protectedBy = namedEntries(bundle).flatMap((entry) =>
    entry.action === 'PROTECT' ? [{ ...entry.selector, tunnelId: entry.tunnelId }] : [],
  );
  for (const { localAddresses, remoteAddresses, tunnelId } of protectedBy) {
    const remote = tunnels.find((tunnel) => tunnel.tunnelId === tunnelId)?.remote?.address ?? '';
    expect([localAddresses, remoteAddresses]).toEqual([only(underlay.address), only(remote)]);
  }
  return protectedBy.length;
}

/** The range of one address, as a bundle has it. */
function only(address: string): readonly { readonly first: Uint8Array; readonly last: Uint8Array }[] {
  const parsed = parseAddressText(address);
  if (parsed === undefined) throw new Error(`${address} is no address`);
  const octets = octetsFromNumber(parsed.value, parsed.family);
  return [{ first: octets, last: octets }];
}

function count(items: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...new Set(items)].map((item) => [item, items.filter((one) => one === item).length]));
}
