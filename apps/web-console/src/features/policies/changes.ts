import type { Policy, PolicyInput, RuleInput } from '../../api/index.js';
import { moveItem } from '../../lib/reorder.js';

/** Changes to a policy, each as the whole input that replaces it. Pure. */

export function inputOf({ name, description, enabled, confidential, rules }: Policy): PolicyInput {
  return { name, description, enabled, confidential, rules };
}

export function withRuleMoved(policy: Policy, from: number, to: number): PolicyInput {
  return { ...inputOf(policy), rules: moveItem(policy.rules, from, to) };
}

/** Replaces the rule at an index; an index past the last appends. */
export function withRule(policy: Policy, index: number, rule: RuleInput): PolicyInput {
  const rules: RuleInput[] = [...policy.rules];
  rules.splice(index, 1, rule);
  return { ...inputOf(policy), rules };
}

export function withoutRule(policy: Policy, index: number): PolicyInput {
  return { ...inputOf(policy), rules: policy.rules.filter((_, each) => each !== index) };
}

/** The policy as it will read once its replacement is accepted; a new rule has no identity before that. */
export function asReplaced(policy: Policy, input: PolicyInput): Policy {
  const rules = input.rules.flatMap(
    ({ id, serviceIds = [], profileId = null, tunnelStart = null, enabled = true, ...rule }) =>
      id === undefined ? [] : [{ ...rule, id, serviceIds, profileId, tunnelStart, enabled }],
  );
  return {
    ...policy,
    name: input.name,
    enabled: input.enabled ?? true,
    confidential: input.confidential ?? false,
    rules,
  };
}
