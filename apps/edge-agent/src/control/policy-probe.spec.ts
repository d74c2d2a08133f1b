import {
  type Carrier,
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
        fc.constantFrom('PROTECT', 'PROTECT by address', 'BYPASS', 'DISCARD'),
        fc.constantFrom(undefined, 'inbound', 'outbound'),
      ),
      { maxLength },
    )
    .map((all) => all.map(([selectors, action, direction], index) => entry(index, selectors, action, direction)));
/** Who carries each address of the world, if anybody does: of two tunnels, and of one with an alternative. */
const carriers: fc.Arbitrary<readonly Carrier[]> = fc
  .array(fc.constantFrom(undefined, 0, 1, 2), { minLength: 14, maxLength: 14 })
  .map((owners) =>
    [0, 1, 2].flatMap((number): Carrier[] => {
      const addresses = owners.flatMap((owner, place) => {
        const one = address(place < 7 ? 4 : 6, place % 7);
        return owner === number ? [{ first: one, last: one }] : [];
      });
      if (addresses.length === 0) return [];
      const carrier = { tunnelId: `c${number}`, addresses };
      return [number === 2 ? { ...carrier, alternatives: ['c3', 'c2'] } : carrier];
    }),
  );

describe('what the packet path is asked after policies were loaded', () => {
  it('is decided by the engine as it is read from the list', () => {
    fc.assert(
      fc.property(policies(12), carriers, (all, carrying) => {
        const probes = policyProbes(all, carrying);
        expect(wrongDecision(probes, decisionsOf(all, probes, carrying))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('finds an entry that is missing, one that is another, and packets that go into another tunnel', () => {
    const subnets = Array.from({ length: 9 }, (_, index) => oneAddress(index));
    const all = subnets.map((one, index) => entry(index, [one], 'PROTECT', undefined));
    const probes = policyProbes(all, []);
    expect(probes).toHaveLength(9);
    const wrong = (loaded: readonly SecurityPolicy[]) => wrongDecision(probes, decisionsOf(loaded, probes));
    expect(wrong(all)).toBeUndefined();
    expect(wrong([])).toBe('entry none decides what entry e0 is to decide');
    for (const index of subnets.keys())
      expect(wrong(all.toSpliced(index, 1))).toMatch(new RegExp(`none.*e${index} is`));
    const wider = entry(99, [{ ...oneAddress(0), remoteAddresses: [] }], 'DISCARD', undefined);
    expect(wrong([wider, ...all])).toBe('entry e99 decides what entry e0 is to decide');
    expect(wrong(all.with(3, protecting(3, 'another')))).toBe('packets of entry e3 go into tunnel another');
  });

  it('finds packets that go into the tunnel of another carrier, into none, and into one where nobody carries them', () => {
    const subnets = Array.from({ length: 9 }, (_, index) => oneAddress(index));
    const everyone = { ...oneAddress(0), remoteAddresses: subnets.flatMap(({ remoteAddresses }) => remoteAddresses) };
    const all = ['a', 'b', 'c'].map((name): SecurityPolicy => byAddress(name, everyone));
    const carrying = subnets.map(({ remoteAddresses: addresses }, index) => ({ tunnelId: `t${index}`, addresses }));
    const probes = policyProbes([...all, ...subnets.map((one, index) => byAddress(`${index}`, one))], carrying);
    // The first entry decides them all, for an address of its list that is another one in each place.
    expect(probes.map(({ entry: decided, tunnelIds }) => [decided?.entryId, ...tunnelIds])).toEqual([
      ...[0, 1, 2].map((place) => ['a', `t${place}`]),
      ...subnets.map((_, place) => ['a', `t${place}`]),
    ]);
    const wrong = (loaded: readonly Carrier[]) => wrongDecision(probes, decisionsOf(all, probes, loaded));
    expect(wrong(carrying)).toBeUndefined();
    expect(wrong([])).toBe('packets of entry a go into tunnel none');
    const [first, second] = carrying;
    const exchanged = [
      { ...carrying[0]!, addresses: second?.addresses ?? [] },
      { ...carrying[1]!, addresses: first?.addresses ?? [] },
      ...carrying.slice(2),
    ];
    expect(wrong(exchanged)).toBe('packets of entry a go into tunnel t1');
    const uncarried = policyProbes(all, carrying.slice(1));
    expect(wrongDecision(uncarried, decisionsOf(all, uncarried, carrying))).toBe(
      'packets of entry a go into tunnel t0',
    );
  });

  it('is a packet for the first entry, the last, and others between, and never too many', () => {
    for (const count of [1, 2, 33, 1000]) {
      const all = Array.from({ length: count }, (_, index) => entry(index, [oneAddress(index)], 'PROTECT', undefined));
      const asked = policyProbes(all, []).map((probe) => probe.entry?.entryId);
      expect([asked[0], asked.at(-1)]).toEqual(['e0', `e${count - 1}`]);
      expect(new Set(asked).size).toBe(Math.min(count, 32));
    }
    expect(policyProbes([], [])).toEqual([]);
  });
});

/** What an engine with these policies makes of them. */
function decisionsOf(
  all: readonly SecurityPolicy[],
  probes: ReturnType<typeof policyProbes>,
  carrying: readonly Carrier[] = [],
): PolicyDecision[] {
  const plane = createDataPlane({ provider: nodeCryptoProvider, random: (out) => out.fill(0) });
  plane.installPolicy(createSecurityPolicyDatabase(all, carrying));
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

function protecting(index: number, tunnelId: string): SecurityPolicy {
  return { entryId: `e${index}`, ruleId: 'r', selectors: [oneAddress(index)], action: 'PROTECT', tunnelId };
}

function byAddress(entryId: string, selector: TrafficSelector): SecurityPolicy {
  return { entryId, ruleId: 'r', selectors: [selector], action: 'PROTECT' };
}

function entry(
  index: number,
  selectors: readonly TrafficSelector[],
  action: string,
  direction: 'inbound' | 'outbound' | undefined,
): SecurityPolicy {
  const common = { entryId: `e${index}`, ruleId: 'r', selectors };
  if (action === 'PROTECT') return { ...common, action, tunnelId: `t${index}` };
  if (action === 'PROTECT by address') return { ...common, action: 'PROTECT' };
  return { ...common, action: action as 'BYPASS' | 'DISCARD', ...(direction === undefined ? {} : { direction }) };
}
