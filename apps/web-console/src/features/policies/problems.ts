import type { Finding, Policy, ProblemEntry } from '../../api/index.js';
import { placeOfSetting } from '../fabric/settings.js';

/** The problems of a draft, each at the rule or policy that it is about. Pointers go into the compiled intent. */
export interface SortedProblems {
  /** By rule id. */
  readonly byRule: ReadonlyMap<string, readonly ProblemEntry[]>;
  /** By policy id: problems of the policy that are about none of its rules. */
  readonly byPolicy: ReadonlyMap<string, readonly ProblemEntry[]>;
  /** About sites, networks or edges. */
  readonly rest: readonly ProblemEntry[];
}

const POLICY_POINTER = /^\/policies\/(\d+)(?:\/rules\/(\d+))?(?:\/|$)/;

/** Policies in the order of the draft. */
export function sortProblems(problems: readonly ProblemEntry[], policies: readonly Policy[]): SortedProblems {
  const byRule = new Map<string, ProblemEntry[]>();
  const byPolicy = new Map<string, ProblemEntry[]>();
  const rest: ProblemEntry[] = [];
  for (const problem of problems) {
    const match = POLICY_POINTER.exec(problem.pointer);
    const policy = match === null ? undefined : policies[Number(match[1])];
    const rule = match?.[2] === undefined ? undefined : policy?.rules[Number(match[2])];
    if (rule !== undefined) append(byRule, rule.id, problem);
    else if (policy !== undefined) append(byPolicy, policy.id, problem);
    else rest.push(problem);
  }
  return { byRule, byPolicy, rest };
}

/** Proofs that fail, at the policy line that they are about. Those about none are shown before publishing. */
export function findingProblems(findings: readonly Finding[]): readonly ProblemEntry[] {
  return findings
    .filter(({ pointer }) => POLICY_POINTER.test(pointer))
    .map(({ pointer, kind, detail, fix }) => ({ pointer, rule: kind, detail, fix }));
}

/** Where a problem is, in words: `Policy “Mesh”, rule 2 “Web”`. */
export function placeOfProblem(problem: ProblemEntry, policies: readonly Policy[]): string | undefined {
  const match = POLICY_POINTER.exec(problem.pointer);
  const policy = match === null ? undefined : policies[Number(match[1])];
  if (policy === undefined) return placeOfSetting(problem.pointer);
  const index = match?.[2] === undefined ? undefined : Number(match[2]);
  const rule = index === undefined ? undefined : policy.rules[index];
  return rule === undefined || index === undefined
    ? `Policy “${policy.name}”`
    : `Policy “${policy.name}”, rule ${index + 1} “${rule.name}”`;
}

function append(map: Map<string, ProblemEntry[]>, key: string, problem: ProblemEntry): void {
  const list = map.get(key) ?? [];
  list.push(problem);
  map.set(key, list);
}
