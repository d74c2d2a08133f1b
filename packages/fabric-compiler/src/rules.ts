import { reportConfidential } from './authentication-header.js';
import type { FabricIntent, Rule } from './intent.js';
import { type CompileProblem, reportDuplicateIds } from './problem.js';
import { profilesOf } from './profile.js';
import { type NamedServices, type ResolvedRule, type RuleContext, resolveRule } from './resolved-rule.js';
import { selectorContext } from './selectors.js';
import { checkServices } from './services.js';
import type { Topology } from './topology.js';

export function ruleContext(intent: FabricIntent, topology: Topology): RuleContext {
  return {
    ...selectorContext(intent, topology),
    profiles: profilesOf(intent),
    defaultProfileId: intent.defaultProfileId ?? '',
  };
}

/** The named services of an intent. */
export function servicesOf({ services = [] }: FabricIntent): NamedServices {
  return new Map(services.map((service) => [service.id, service]));
}

/** The rules that are in force, in the operator's order. `reuse` may know a rule from before. */
export function resolveRules(
  intent: FabricIntent,
  context: RuleContext,
  problems: CompileProblem[],
  reuse: (rule: Rule) => ResolvedRule | undefined = () => undefined,
): ResolvedRule[] {
  for (const field of ['policies', 'groups', 'services', 'profiles'] as const) {
    reportDuplicateIds(`/${field}`, intent[field] ?? [], problems);
  }
  for (const [index, { name, services }] of (intent.services ?? []).entries()) {
    checkServices(services, `/services/${index}/services`, problems, `The service "${name}"`);
  }
  reportUnknownDefault(intent, context, problems);
  const services = servicesOf(intent);
  const resolved: ResolvedRule[] = [];
  const seen = new Map<string, string>();
  for (const [policyIndex, policy] of intent.policies.entries()) {
    if (!policy.enabled) continue;
    reportConfidential(policy, `/policies/${policyIndex}`, context, problems);
    for (const [ruleIndex, rule] of policy.rules.entries()) {
      if (rule.enabled === false) continue;
      const pointer = `/policies/${policyIndex}/rules/${ruleIndex}`;
      const before = seen.get(rule.id);
      if (before !== undefined) {
        problems.push({
          pointer: `${pointer}/id`,
          rule: 'duplicate_id',
          detail: `The identifier ${rule.id} already stands at ${before}.`,
          fix: 'Give each rule an identifier of its own.',
        });
      }
      seen.set(rule.id, pointer);
      const result = reuse(rule) ?? resolveRule(rule, pointer, context, services, problems);
      if (result !== undefined) resolved.push(result);
    }
  }
  return resolved;
}

function reportUnknownDefault(
  { defaultProfileId }: FabricIntent,
  { profiles }: RuleContext,
  problems: CompileProblem[],
): void {
  if (defaultProfileId === undefined || profiles.has(defaultProfileId)) return;
  problems.push({
    pointer: '/defaultProfileId',
    rule: 'unknown_profile',
    detail: `The profile ${defaultProfileId}, which is the default one, does not exist.`,
    fix: 'Name an existing profile, or none.',
  });
}
