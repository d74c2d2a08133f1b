import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opens, type Packet, ruleOfIntent, siteOf } from '../../test/reference-policy.js';
import { everyPacket, smallUniverse } from '../../test/small-universe.js';
import { formatAddressText } from '../address/text.js';
import { type CompiledFabric, compileShared } from '../fabric/compile-shared.js';
import type { FabricIntent } from '../intent.js';
import { type ChangedFlows, changedFlows, type FlowChange } from './changed-flows.js';

describe('changedFlows', () => {
  it('names the pairs of sites whose flows fare otherwise, and no others, packet by packet', () => {
    let changes = 0;
    fc.assert(
      fc.property(smallUniverse(), smallUniverse(), fc.array(fc.nat(3), { maxLength: 2 }), (one, other, without) => {
        // The same sites with other rules, and some networks that only one of the two has.
        const [before, after] = [one, { ...one, policies: mixed(one, other), networks: lacking(one, without) }];
        const old = compiled(before);
        fc.pre(old !== undefined);
        const now = compiled(after, without.length === 1 ? undefined : old);
        fc.pre(now !== undefined);
        const found = changedFlows(old, now);
        expect(found.complete).toBe(true);
        const expected = reference(before, after);
        expect(found.sitePairs).toEqual({
          allowed: expected.allowed.size,
          denied: expected.denied.size,
          other_profile: expected.other_profile.size,
        });
        for (const flow of found.flows) expect(changeOfPacket(before, after, written(flow))).toBe(flow.change);
        changes += found.flows.length;
      }),
      { numRuns: 15 },
    );
    expect(changes).toBeGreaterThan(5);
  });

  it('has nothing to say of a revision that is the one before', () => {
    fc.assert(
      fc.property(smallUniverse(), (intent) => {
        const fabric = compiled(intent);
        fc.pre(fabric !== undefined);
        expect(changedFlows(fabric, compiled(structuredClone(intent)) ?? fabric)).toEqual({
          flows: [],
          sitePairs: { allowed: 0, denied: 0, other_profile: 0 },
          complete: true,
        } satisfies ChangedFlows);
      }),
      { numRuns: 12 },
    );
  });

  it('says so when it was too much to compare, and tells nothing then that is not so', () => {
    fc.assert(
      fc.property(smallUniverse(), fc.nat(300), (intent, effort) => {
        const fabric = compiled(intent);
        fc.pre(fabric !== undefined);
        const [all, part] = [changedFlows(undefined, fabric), changedFlows(undefined, fabric, effort)];
        if (part.complete) expect(part).toEqual(all);
        expect(part.sitePairs.allowed).toBeLessThanOrEqual(all.sitePairs.allowed);
        for (const flow of part.flows) {
          expect(changeOfPacket({ ...intent, policies: [] }, intent, written(flow))).toBe(flow.change);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('tells everything that the first revision allows', () => {
    fc.assert(
      fc.property(smallUniverse(), (intent) => {
        const fabric = compiled(intent);
        fc.pre(fabric !== undefined);
        const { flows, sitePairs } = changedFlows(undefined, fabric);
        const expected = reference({ ...intent, policies: [] }, intent);
        expect(sitePairs).toEqual({ allowed: expected.allowed.size, denied: 0, other_profile: 0 });
        expect(flows.every(({ change }) => change === 'allowed')).toBe(true);
      }),
      { numRuns: 12 },
    );
  });
});

function compiled(intent: FabricIntent, previous?: CompiledFabric): CompiledFabric | undefined {
  const result = compileShared(intent, previous);
  return result.ok ? result.fabric : undefined;
}

/** Some of the rules of both. */
function mixed(one: FabricIntent, other: FabricIntent) {
  return [...one.policies.slice(0, 1), ...other.policies].map((policy, index) => ({
    ...policy,
    id: `policy-${index}`,
    rules: policy.rules
      .filter((_, place) => index > 0 || place % 3 !== 1)
      .map((rule) => (index === 0 ? rule : { ...rule, id: `other-${rule.id}` })),
  }));
}

/** Without the second network of some sites. */
function lacking({ networks }: FabricIntent, sites: readonly number[]) {
  return networks.filter(({ id }) => !sites.some((site) => id === `network-${site}-1`));
}

type Change = FlowChange['change'];

/** Every packet that opens a flow, held against the rules of both as they are written. */
function reference(before: FabricIntent, after: FabricIntent): Record<Change, Set<string>> {
  const pairs: Record<Change, Set<string>> = { allowed: new Set(), denied: new Set(), other_profile: new Set() };
  for (const packet of everyPacket()) {
    const change = changeOfPacket(before, after, packet);
    if (change === undefined) continue;
    const sites = [packet.source, packet.destination].map(
      (address) => siteOf(before, address) ?? siteOf(after, address),
    );
    pairs[change].add(sites.join());
  }
  return pairs;
}

function changeOfPacket(before: FabricIntent, after: FabricIntent, packet: Packet): Change | undefined {
  const [old, now] = [openerOf(before, packet), openerOf(after, packet)];
  if (!old.protects && now.protects) return now.opens ? 'allowed' : undefined;
  if (old.protects && !now.protects) return old.opens ? 'denied' : undefined;
  if (!old.protects || old.profileId === now.profileId) return undefined;
  return now.opens ? 'other_profile' : undefined;
}

/** What the rule that decides says of a packet, and whether it is about flows that such a packet opens. */
function openerOf(intent: FabricIntent, packet: Packet) {
  const known = siteOf(intent, packet.source) !== undefined && siteOf(intent, packet.destination) !== undefined;
  const rule = known ? ruleOfIntent(intent, packet) : undefined;
  if (rule?.action !== 'PROTECT') return { protects: false, opens: false, profileId: '' };
  return { protects: true, opens: opens(intent, rule, packet), profileId: rule.profileId ?? '' };
}

function written({ example }: FlowChange): Packet {
  const { family, source, destination, protocol, sourcePort, destinationPort } = example;
  const text = (value: bigint) => formatAddressText({ family, value });
  return { source: text(source), destination: text(destination), protocol, sourcePort, destinationPort };
}
