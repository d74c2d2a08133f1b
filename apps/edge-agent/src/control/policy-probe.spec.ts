import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type SecurityPolicy,
  type TrafficSelector,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyDecision } from '../dataplane/messages.js';
import { policyProbes, wrongDecision } from './policy-probe.js';

// A small world: entries shadow each other, touch and leave gaps, in both families.
const last = fc.integer({ min: 0, max: 6 });
const address = (family: 4 | 6, octet: number) =>
  family === 4 ? Uint8Array.of(10, 0, 0, octet) : Uint8Array.of(0x20, 1, ...new Array(13).fill(0), octet);
const addresses = (family: 4 | 6) =>
  fc.array(
    fc.tuple(last, last).map(([one, other]) => ({
      first: address(family, Math.min(one, other)),
      last: address(family, Math.max(one, other)),
    })),
    { maxLength: 2 },
  );
const ports = fc.array(
  fc.tuple(last, last).map(([one, other]) => ({ first: 400 + Math.min(one, other), last: 400 + Math.max(one, other) })),
  { maxLength: 2 },
);
const selector: fc.Arbitrary<TrafficSelector> = fc
  .tuple(fc.constantFrom<4 | 6>(4, 6), fc.constantFrom<number | 'any'>('any', 1, 6, 17))
  .chain(([family, protocol]) =>
    fc.record({
      localAddresses: addresses(family),
      remoteAddresses: addresses(family),
      protocol: fc.constant(protocol),
      localPorts: protocol === 6 || protocol === 17 ? ports : fc.constant([]),
      remotePorts: protocol === 6 || protocol === 17 ? ports : fc.constant([]),
    }),
  );
const policies = (maxLength: number): fc.Arbitrary<readonly SecurityPolicy[]> =>
  fc
    .array(
      fc.tuple(
        fc.array(selector, { minLength: 1, maxLength: 2 }),
        fc.constantFrom('PROTECT', 'BYPASS', 'DISCARD'),
        fc.constantFrom(undefined, 'inbound', 'outbound'),
      ),
      { maxLength },
    )
    .map((all) => all.map(([selectors, action, direction], index) => entry(index, selectors, action, direction)));

describe('what the packet path is asked after policies were loaded', () => {
  it('is decided by the engine as it is read from the list', () => {
    fc.assert(
      fc.property(policies(12), (all) => {
        const probes = policyProbes(all);
        expect(wrongDecision(probes, decisionsOf(all, probes))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('finds an entry that is missing, one that is another, and packets that go into another tunnel', () => {
    const subnets = Array.from({ length: 9 }, (_, index) => oneAddress(index));
    const all = subnets.map((one, index) => entry(index, [one], 'PROTECT', undefined));
    const probes = policyProbes(all);
    expect(probes).toHaveLength(9);
    const wrong = (loaded: readonly SecurityPolicy[]) => wrongDecision(probes, decisionsOf(loaded, probes));
    expect(wrong(all)).toBeUndefined();
    expect(wrong([])).toBe('entry none decides what entry e0 is to decide');
    for (const index of subnets.keys())
      expect(wrong(all.toSpliced(index, 1))).toMatch(new RegExp(`none.*e${index} is`));
    const wider = entry(99, [{ ...oneAddress(0), remoteAddresses: [] }], 'DISCARD', undefined);
    expect(wrong([wider, ...all])).toBe('entry e99 decides what entry e0 is to decide');
    const elsewhere = { ...entry(3, [oneAddress(3)], 'PROTECT', undefined), tunnelId: 'another' };
    expect(wrong(all.with(3, elsewhere))).toBe('packets of entry e3 go into tunnel another');
  });

  it('is a packet for the first entry, the last, and others between, and never too many', () => {
    for (const count of [1, 2, 33, 1000]) {
      const all = Array.from({ length: count }, (_, index) => entry(index, [oneAddress(index)], 'PROTECT', undefined));
      const asked = policyProbes(all).map((probe) => probe.entry?.entryId);
      expect([asked[0], asked.at(-1)]).toEqual(['e0', `e${count - 1}`]);
      expect(new Set(asked).size).toBe(Math.min(count, 32));
    }
    expect(policyProbes([])).toEqual([]);
  });
});

/** What an engine with these policies makes of them. */
function decisionsOf(all: readonly SecurityPolicy[], probes: ReturnType<typeof policyProbes>): PolicyDecision[] {
  const plane = createDataPlane({ provider: nodeCryptoProvider, random: (out) => out.fill(0) });
  plane.installPolicy(createSecurityPolicyDatabase(all));
  return probes.map(({ packet }) => {
    const { entry: decided, tunnelId } = plane.explain(packet, 0, packet.length, 0);
    return { entryId: decided?.entryId, tunnelId };
  });
}

function oneAddress(index: number): TrafficSelector {
  const remote = Uint8Array.of(10, 1, index >> 8, index & 0xff);
  const range = { first: remote, last: remote };
  return { localAddresses: [], remoteAddresses: [range], protocol: 'any', localPorts: [], remotePorts: [] };
}

function entry(
  index: number,
  selectors: readonly TrafficSelector[],
  action: string,
  direction: 'inbound' | 'outbound' | undefined,
): SecurityPolicy {
  const common = { entryId: `e${index}`, ruleId: 'r', selectors };
  if (action === 'PROTECT') return { ...common, action, tunnelId: `t${index}` };
  return { ...common, action: action as 'BYPASS' | 'DISCARD', ...(direction === undefined ? {} : { direction }) };
}
