import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallUniverse } from '../../test/small-universe.js';
import { type CompiledFabric, compileShared } from '../fabric/compile-shared.js';
import { sharedBundleOctets } from '../fabric/shared-bundle.js';
import type { FabricIntent, GroupMember, IntentPolicyTest, Service } from '../intent.js';
import { type FabricProof, proveFabric } from './prove-fabric.js';

describe('an edit of groups and named services', () => {
  it('gives the bundles, problems and findings that a compilation and a proof from nothing give', () => {
    const seen = { kept: 0, refused: 0 };
    fc.assert(
      fc.property(smallUniverse(), fc.array(arbitraryEdit(), { minLength: 1, maxLength: 5 }), (drawn, edits) => {
        let { fabric, proof } = compiled(withNames(drawn)) ?? {};
        fc.pre(fabric !== undefined);
        for (const edit of edits) {
          if (fabric === undefined) return;
          const edited = edit(fabric.intent);
          const anew = compileShared(edited);
          const incremental = compileShared(structuredClone(edited), fabric);
          if (!anew.ok || !incremental.ok) {
            expect(incremental).toEqual(anew);
            // Whoever asks again is told again.
            expect(compileShared(structuredClone(edited), fabric)).toEqual(anew);
            seen.refused += 1;
            continue;
          }
          expect(octetsOf(incremental.fabric)).toEqual(octetsOf(anew.fabric));
          const next = proveFabric(incremental.fabric, proof);
          expect(next.findings).toEqual(proveFabric(anew.fabric).findings);
          if (incremental.fabric.plan === fabric.plan) seen.kept += 1;
          ({ fabric, proof } = { fabric: incremental.fabric, proof: next });
        }
      }),
      { numRuns: 40 },
    );
    expect(seen.kept).toBeGreaterThan(30);
    expect(seen.refused).toBeGreaterThan(0);
  });

  it('takes every rule over that names none of what was edited', () => {
    fc.assert(
      fc.property(smallUniverse(), (drawn) => {
        const { fabric } = compiled(withNames(drawn)) ?? {};
        fc.pre(fabric !== undefined);
        if (fabric === undefined) return;
        const { intent } = fabric;
        const other = compileShared(
          withMembers(structuredClone(intent), 'even', [{ kind: 'site', siteId: 'site-1' }]),
          fabric,
        );
        fc.pre(other.ok);
        if (!other.ok) return;
        for (const [index, rule] of (intent.policies[0]?.rules ?? []).entries()) {
          const named = [...rule.sources, ...rule.destinations];
          if (named.some((each) => each.kind === 'group' && each.groupId === 'even')) continue;
          expect(other.fabric.rules[index]).toBe(fabric.rules[index]);
        }
      }),
      { numRuns: 25 },
    );
  });
});

function compiled(intent: FabricIntent): { fabric: CompiledFabric; proof: FabricProof } | undefined {
  const result = compileShared(intent);
  return result.ok ? { fabric: result.fabric, proof: proveFabric(result.fabric) } : undefined;
}

function octetsOf({ bundles }: CompiledFabric): readonly string[] {
  return bundles.map((bundle) => Buffer.from(sharedBundleOctets(bundle)).toString('hex'));
}

/** Every other rule names a service, and a policy test names groups. */
function withNames(intent: FabricIntent): FabricIntent {
  return {
    ...intent,
    services: ['one', 'two'].map((id) => ({ id, name: id, services: [{ protocol: 'tcp', ports: [] }] })),
    policyTests: [POLICY_TEST],
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.map((rule, index) =>
        index % 2 === 0 ? { ...rule, serviceIds: [index % 4 === 0 ? 'one' : 'two'] } : rule,
      ),
    })),
  };
}

type Edit = (intent: FabricIntent) => FabricIntent;

function arbitraryEdit(): fc.Arbitrary<Edit> {
  const group = fc.constantFrom('even', 'second');
  const port = fc.nat(3);
  return fc.oneof(
    fc.tuple(group, fc.array(arbitraryMember(), { maxLength: 3 })).map(
      ([id, members]): Edit =>
        (intent) =>
          withMembers(intent, id, members),
    ),
    fc.tuple(fc.constantFrom('one', 'two'), port).map(
      ([id, first]): Edit =>
        (intent) =>
          withServices(intent, id, [{ protocol: 'tcp', ports: [{ first, last: 3 }] }]),
    ),
    fc.constant<Edit>((intent) => ({ ...intent, groups: [...(intent.groups ?? [])].reverse() })),
    group.map(
      (id): Edit =>
        (intent) => ({ ...intent, groups: (intent.groups ?? []).filter((each) => each.id !== id) }),
    ),
    fc.constant<Edit>((intent) => ({ ...intent, services: (intent.services ?? []).slice(1) })),
  );
}

function arbitraryMember(): fc.Arbitrary<GroupMember> {
  return fc.oneof(
    fc.constantFrom('site-0', 'site-1', 'site-3', 'nowhere').map((siteId): GroupMember => ({ kind: 'site', siteId })),
    fc.constantFrom('0', '1').map((parity): GroupMember => ({ kind: 'site_labels', labels: { parity } })),
    fc.constantFrom('10.1.0.0/32', '10.0.0.0/15').map((prefix): GroupMember => ({ kind: 'prefix', prefix })),
  );
}

function withMembers(intent: FabricIntent, id: string, members: readonly GroupMember[]): FabricIntent {
  return { ...intent, groups: (intent.groups ?? []).map((group) => (group.id === id ? { ...group, members } : group)) };
}

function withServices(intent: FabricIntent, id: string, services: readonly Service[]): FabricIntent {
  return {
    ...intent,
    services: (intent.services ?? []).map((service) => (service.id === id ? { ...service, services } : service)),
  };
}

const POLICY_TEST: IntentPolicyTest = {
  id: 'test',
  name: 'the even reach the second',
  sources: [{ kind: 'group', groupId: 'even' }],
  destinations: [{ kind: 'group', groupId: 'second' }],
  services: [{ protocol: 'tcp', ports: [] }],
  expect: 'allowed',
};
