import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { IntentPolicyTest } from '../intent.js';
import type { CompileProblem } from '../problem.js';
import { resolveSelectors } from '../selectors.js';
import { servicesOfFamily } from '../services.js';
import type { Finding } from './finding.js';
import { formatPacket } from './packet.js';
import { decisionsIn } from './rule-space.js';

/** Runs the operators' tests on all packets that they are about. */
export function runPolicyTests(fabric: CompiledFabric): readonly Finding[] {
  return (fabric.intent.policyTests ?? []).flatMap((test, index) => runTest(test, index, fabric));
}

function runTest(test: IntentPolicyTest, index: number, { rules, plan }: CompiledFabric): readonly Finding[] {
  const problems: CompileProblem[] = [];
  const sideOf = (side: 'sources' | 'destinations') =>
    resolveSelectors(test[side], `/policyTests/${index}/${side}`, plan.context, problems);
  const space = {
    sources: sideOf('sources'),
    destinations: sideOf('destinations'),
    services: { 4: servicesOfFamily(test.services, 4), 6: servicesOfFamily(test.services, 6) },
  };
  const [problem] = problems;
  if (problem !== undefined) return [failed(test, `${problem.detail} (${problem.pointer})`, problem.fix)];
  let packets = 0;
  for (const { packet, clause } of decisionsIn(space, rules, plan.topology.ownership)) {
    packets += 1;
    const allowed = clause?.action === 'PROTECT';
    if (allowed === (test.expect === 'allowed')) continue;
    const rule = rules.find(({ ruleId }) => ruleId === clause?.ruleId);
    const decider = rule === undefined ? 'no rule allows it' : `the rule "${rule.name}" decides it`;
    return [
      {
        ...failed(
          test,
          `${formatPacket(packet)} is ${allowed ? 'allowed' : 'denied'}: ${decider}.`,
          test.expect === 'allowed'
            ? 'Add a rule that allows it, in front of those that do not.'
            : 'Forbid it by a rule in front, or narrow the rule that allows it.',
        ),
        ruleId: rule?.ruleId,
        counterexample: packet,
      },
    ];
  }
  if (packets > 0) return [];
  return [
    failed(test, 'There is no packet between two sites that it is about.', 'Name other sources or destinations.'),
  ];
}

function failed(test: IntentPolicyTest, why: string, fix: string): Finding {
  return {
    kind: 'policy_test_failed',
    detail: `The policy test "${test.name}" fails: ${why}`,
    fix,
    edgeIds: [],
    ruleId: undefined,
    counterexample: undefined,
  };
}
