import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { IntentPolicyTest } from '../intent.js';
import type { CompileProblem } from '../problem.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { sameValue } from '../same-value.js';
import { resolveSelectors } from '../selectors.js';
import { servicesOfFamily } from '../services.js';
import type { Finding } from './finding.js';
import { formatPacket } from './packet.js';
import { decisionsIn, mayMatch, type PacketSpace } from './rule-space.js';

/** What a test found, and of which packets, for as long as no rule about those changes. */
export interface PolicyTestResult {
  readonly test: IntentPolicyTest;
  readonly space: PacketSpace | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Runs the operators' tests on all packets that they are about. Of the results of `before` those stand that no rule
 * concerns which only one of the two revisions has; undefined: none does.
 */
export function runPolicyTests(
  fabric: CompiledFabric,
  before: { readonly results: readonly PolicyTestResult[]; readonly rules: readonly ResolvedRule[] } | undefined,
): readonly PolicyTestResult[] {
  const different = before === undefined ? [] : rulesOfOne(before.rules, fabric.rules);
  return (fabric.intent.policyTests ?? []).map((test, index) => {
    const known = before?.results[index];
    const resolved = resolvedTest(test, index, fabric);
    const { space } = resolved;
    const stands =
      known !== undefined &&
      resolved.problem === undefined &&
      sameValue(known.test, test) &&
      sameSpace(known.space, space) &&
      !different.some((rule) => mayMatch(rule, space));
    return stands ? known : runTest(test, resolved, fabric);
  });
}

/** Rules that are in one list only; all of them, when those in both are not in the same order. */
function rulesOfOne(left: readonly ResolvedRule[], right: readonly ResolvedRule[]): readonly ResolvedRule[] {
  const [inLeft, inRight] = [new Set(left), new Set(right)];
  const [both, same] = [left.filter((rule) => inRight.has(rule)), right.filter((rule) => inLeft.has(rule))];
  if (both.some((rule, index) => rule !== same[index])) return [...left, ...right];
  return [...left.filter((rule) => !inRight.has(rule)), ...right.filter((rule) => !inLeft.has(rule))];
}

interface ResolvedTest {
  readonly space: PacketSpace;
  readonly problem: CompileProblem | undefined;
}

function resolvedTest(test: IntentPolicyTest, index: number, { context }: CompiledFabric): ResolvedTest {
  const problems: CompileProblem[] = [];
  const sideOf = (side: 'sources' | 'destinations') =>
    resolveSelectors(test[side], `/policyTests/${index}/${side}`, context, problems);
  const space = {
    sources: sideOf('sources'),
    destinations: sideOf('destinations'),
    services: { 4: servicesOfFamily(test.services, 4), 6: servicesOfFamily(test.services, 6) },
  };
  return { space, problem: problems[0] };
}

/** A group that a test names may have other members than before. */
function sameSpace(known: PacketSpace | undefined, now: PacketSpace): boolean {
  return known?.sources.key === now.sources.key && known.destinations.key === now.destinations.key;
}

function runTest(test: IntentPolicyTest, { space, problem }: ResolvedTest, fabric: CompiledFabric): PolicyTestResult {
  if (problem === undefined) return { test, space, findings: testFindings(test, space, fabric) };
  return { test, space: undefined, findings: [failed(test, `${problem.detail} (${problem.pointer})`, problem.fix)] };
}

function testFindings(test: IntentPolicyTest, space: PacketSpace, { rules, plan }: CompiledFabric): readonly Finding[] {
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
