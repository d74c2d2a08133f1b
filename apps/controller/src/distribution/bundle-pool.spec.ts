import { Bundle, SecurityPolicyAction } from '@weft/contracts/southbound';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BundlePool } from './bundle-pool.js';

describe('bundles that are kept in memory', () => {
  it('are what they were, and what several of them say is there once', () => {
    fc.assert(
      fc.property(fc.array(drawnBundle(), { minLength: 2, maxLength: 4 }), (bundles) => {
        const pool = new BundlePool();
        const shared = bundles.map((bundle) => pool.shared(decoded(bundle)));
        for (const [index, bundle] of bundles.entries()) {
          expect(shared[index]).toEqual(bundle);
          const [kept, given] = [shared[index] ?? bundle, bundle].map((each) =>
            Buffer.from(Bundle.encode(each).finish()),
          );
          expect(kept?.equals(given ?? Buffer.alloc(0))).toBe(true);
        }
        // Again, and nothing of it is new.
        for (const [index, bundle] of bundles.entries()) {
          const again = pool.shared(decoded(bundle));
          for (const [place, tunnel] of again.tunnels.entries()) {
            expect(tunnel.ike).toBe(shared[index]?.tunnels[place]?.ike);
            expect(tunnel.profile).toBe(shared[index]?.tunnels[place]?.profile);
            expect(tunnel.remote).toBe(shared[index]?.tunnels[place]?.remote);
          }
          for (const [place, set] of again.addressSets.entries()) expect(set).toBe(shared[index]?.addressSets[place]);
          for (const [place, { selector }] of again.securityPolicies.entries()) {
            if (selector?.localAddresses.length !== 0) continue;
            expect(selector).toBe(shared[index]?.securityPolicies[place]?.selector);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** As one that was read: nothing of it is anybody else's. */
function decoded(bundle: Bundle): Bundle {
  return Bundle.decode(Bundle.encode(bundle).finish());
}

function drawnBundle(): fc.Arbitrary<Bundle> {
  const address = fc.nat(3).map((last) => Buffer.from([10, 0, 0, last]));
  const range = fc.tuple(address, address).map(([first, last]) => ({ first, last }));
  const serial = fc.constantFrom(Buffer.from([1]), Buffer.from([0xff, 2]));
  const tunnel = fc.record({
    tunnelId: fc.constantFrom('one', 'other'),
    remote: fc.option(
      fc.record({ address: fc.constantFrom('203.0.113.1', '2001:db8::1'), port: fc.constantFrom(4500, 4501) }),
      {
        nil: undefined,
      },
    ),
    profile: fc.record({ keyBits: fc.constantFrom(128, 256), replayWindow: fc.constantFrom(64, 1024) }),
    ike: fc.option(fc.record({ livenessSeconds: fc.nat(2), revokedSerials: fc.array(serial, { maxLength: 2 }) }), {
      nil: undefined,
    }),
    carries: fc.array(fc.nat(2), { maxLength: 2 }),
  });
  const policy = fc.record({
    entryId: fc.constantFrom('e1', 'e2'),
    ruleId: fc.constantFrom('r1', 'r2'),
    action: fc.constantFrom(
      SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT,
      SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD,
    ),
    selector: fc.option(
      fc.oneof(
        fc.record({
          localAddressSet: fc.nat(2),
          remoteAddressSet: fc.nat(2),
          protocol: fc.constantFrom(6, 17),
          remotePorts: fc.array(fc.constant({ first: 1, last: 2 }), { maxLength: 1 }),
        }),
        fc.record({
          localAddresses: fc.array(range, { minLength: 1, maxLength: 2 }),
          remoteAddresses: fc.array(range, { maxLength: 2 }),
        }),
      ),
      { nil: undefined },
    ),
  });
  return fc
    .record({
      tunnels: fc.array(tunnel, { maxLength: 4 }),
      securityPolicies: fc.array(policy, { maxLength: 4 }),
      addressSets: fc.array(fc.record({ ranges: fc.array(range, { maxLength: 3 }) }), { maxLength: 3 }),
      routes: fc.array(fc.constantFrom('10.0.0.0/8', '2001:db8::/32'), { maxLength: 3 }),
    })
    .map((drawn) => Bundle.fromPartial(drawn));
}
