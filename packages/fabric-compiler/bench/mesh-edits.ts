import type { FabricIntent, Rule } from '../src/intent.js';
import { withMember, withRule, withServicePort } from './mesh-intent.js';

/**
 * One rule: the port of it, or whom it is about. In the bench's rules every fourth is of one kind. Or what rules name: a service
 * and a group of which one rule is, and a group of which every fourth is.
 */
export const MESH_EDITS: Readonly<
  Record<string, (intent: FabricIntent, round: number, rules: number) => FabricIntent>
> = {
  'site to site': (intent, round) => withRule(intent, 1, (rule) => withPort(rule, 61_000 + round)),
  'group to host': (intent, round) => withRule(intent, 4, (rule) => withPort(rule, 61_000 + round)),
  'group to group': (intent, round, rules) =>
    withRule(intent, 4 * (rules >>> 3) + 2, (rule) => withPort(rule, 61_000 + round)),
  'whom it is about': (intent, round) =>
    withRule(intent, 5, (rule) => ({ ...rule, sources: [{ kind: 'prefix', prefix: `10.0.${4 + 2 * round}.8/29` }] })),
  'all sites': (intent, round, rules) =>
    withRule(intent, rules - 3, (rule) => ({
      ...rule,
      services: [...rule.services, { protocol: 'tcp', ports: [{ first: 61_000 + round, last: 61_000 + round }] }],
    })),
  'a service': (intent, round) => withServicePort(intent, 61_000 + round),
  'a group of one rule': (intent, round) => withMember(intent, 'partners', 3 + round),
  'a group of every fourth rule': (intent, round) => withMember(intent, 'branches', (20 * round) % intent.sites.length),
};

function withPort(rule: Rule, port: number): Rule {
  return {
    ...rule,
    services: rule.services.map(({ protocol }) => ({ protocol, ports: [{ first: port, last: port }] })),
  };
}

/** So often each is made, always of the mesh as it was. */
export const EDIT_ROUNDS = 9;
