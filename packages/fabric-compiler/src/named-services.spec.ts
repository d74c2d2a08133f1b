import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryIntent } from '../test/arbitrary-intent.js';
import { healthyIntent } from '../test/seeded-bugs.js';
import { compileFabric } from './compile-fabric.js';
import { type CompiledFabric, compileShared } from './fabric/compile-shared.js';
import type { FabricIntent, IntentService, Rule } from './intent.js';

describe('named services', () => {
  it('are what their services are where the rule writes them itself, delivered and shared', () => {
    fc.assert(
      fc.property(arbitraryIntent(), fc.infiniteStream(fc.nat({ max: 3 })), (written, choices) => {
        const named = withNames(written, choices);
        const [delivered, same] = [compileFabric(named), compileFabric(written)];
        expect(delivered).toEqual(same);
        const [shared, expected] = [compileShared(named), compileShared(written)];
        expect(shared.ok ? digestsOf(shared.fabric) : shared).toEqual(
          expected.ok ? digestsOf(expected.fabric) : expected,
        );
      }),
    );
  });

  it('that are edited change what was compiled before, as from nothing', () => {
    const before = naming({ id: 's', name: 's', services: [{ protocol: 'tcp', ports: [{ first: 443, last: 443 }] }] });
    const after = naming({ id: 's', name: 's', services: [{ protocol: 'udp', ports: [] }] });
    const first = compileShared(before);
    const [edited, anew] = [compileShared(after, first.ok ? first.fabric : undefined), compileShared(after)];
    if (!first.ok || !edited.ok || !anew.ok) throw new Error('does not compile');
    expect(edited.changed.length).toBeGreaterThan(0);
    expect(digestsOf(edited.fabric)).toEqual(digestsOf(anew.fabric));
  });

  it.each<readonly [what: string, service: IntentService['services'], pointer: string, rule: string]>([
    ['nothing', [], '/services/0/services', 'empty_list'],
    [
      'ports of what has none',
      [{ protocol: 'icmp', ports: [{ first: 1, last: 1 }] }],
      '/services/0/services/0/ports',
      'ports_without_protocol',
    ],
    [
      'a range that is none',
      [{ protocol: 'udp', ports: [{ first: 2, last: 1 }] }],
      '/services/0/services/0/ports/0',
      'invalid_port_range',
    ],
  ])('that are %s are refused where they stand', (_what, services, pointer, rule) => {
    const result = compileFabric(naming({ id: 's', name: 'broken', services }));
    const problems = result.ok ? [] : result.problems;
    expect(problems.map((problem) => [problem.pointer, problem.rule])).toContainEqual([pointer, rule]);
  });
});

function digestsOf({ bundles }: CompiledFabric): readonly Uint8Array[] {
  return bundles.map(({ digest }) => digest);
}

/** The same intent, some services of its rules moved to named ones: one for each that moves. */
function withNames(intent: FabricIntent, choices: Iterable<number>): FabricIntent {
  const services: IntentService[] = [];
  const choice = choices[Symbol.iterator]();
  const moved = (rule: Rule): Rule => {
    const serviceIds: string[] = [];
    const own = rule.services.filter((service) => {
      if (choice.next().value === 0) return true;
      const id = `service-${services.length}`;
      services.push({ id, name: id, services: [service] });
      serviceIds.push(id);
      return false;
    });
    return { ...rule, services: own, serviceIds };
  };
  const policies = intent.policies.map((policy) => ({ ...policy, rules: policy.rules.map(moved) }));
  return { ...intent, policies, services };
}

/** Its first rule names this service and nothing else. */
function naming(service: IntentService): FabricIntent {
  const intent = healthyIntent();
  return {
    ...intent,
    services: [service],
    policies: intent.policies.map((policy, place) => ({
      ...policy,
      rules: policy.rules.map((rule, index) =>
        place + index === 0 ? { ...rule, services: [], serviceIds: [service.id] } : rule,
      ),
    })),
  };
}
