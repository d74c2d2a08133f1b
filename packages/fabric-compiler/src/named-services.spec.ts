import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryIntent } from '../test/arbitrary-intent.js';
import { compileFabric } from '../test/compile-fabric.js';
import { healthyIntent } from '../test/seeded-bugs.js';
import { type CompiledFabric, compileShared } from './fabric/compile-shared.js';
import type { FabricIntent, IntentService, Rule } from './intent.js';
import { proveFabric } from './proof/prove-fabric.js';

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

  it('that are edited in any way leave what a compilation and a proof from nothing give', () => {
    const named = fc
      .tuple(arbitraryIntent(), fc.infiniteStream(fc.nat({ max: 3 })))
      .map(([intent, choices]) => withNames(intent, choices));
    const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom<Edit>('port', 'name', 'remove')), { maxLength: 4 });
    fc.assert(
      fc.property(named, edits, (intent, edited) => {
        let [now, before] = [intent, compileShared(intent)];
        for (const [pick, edit] of edited) {
          now = withEdit(now, pick, edit);
          const [anew, incremental] = [compileShared(now), compileShared(now, before.ok ? before.fabric : undefined)];
          expect(incremental.ok ? digestsOf(incremental.fabric) : incremental).toEqual(
            anew.ok ? digestsOf(anew.fabric) : anew,
          );
          if (before.ok && incremental.ok && anew.ok) {
            // The plan goes on, and with it what was proven by it.
            expect(incremental.fabric.plan).toBe(before.fabric.plan);
            const { findings } = proveFabric(incremental.fabric, proveFabric(before.fabric));
            expect(findings).toEqual(proveFabric(anew.fabric).findings);
          }
          before = incremental;
        }
      }),
      { numRuns: 50 },
    );
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

type Edit = 'port' | 'name' | 'remove';

function withEdit(intent: FabricIntent, pick: number, edit: Edit): FabricIntent {
  const services = intent.services ?? [];
  const place = pick % Math.max(services.length, 1);
  const changed = services.flatMap((service, index): IntentService[] => {
    if (index !== place) return [service];
    if (edit === 'remove') return [];
    if (edit === 'name') return [{ ...service, name: `${service.name}*` }];
    const first = 2000 + (pick % 60_000);
    return [{ ...service, services: [{ protocol: 'tcp', ports: [{ first, last: first }] }] }];
  });
  return { ...intent, services: changed };
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
