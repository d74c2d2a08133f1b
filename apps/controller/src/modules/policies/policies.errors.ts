import { DomainError, refusal } from '../../platform/http/domain-error.js';
import type { ProblemEntry } from '../../platform/http/schemas.js';
import type { GroupMember } from '../groups/group.dto.js';
import type { RuleInput, Selector } from './policy.dto.js';

export function tooManyPolicies(limit: number): DomainError {
  const detail = `A tenant has at most ${limit} policies. Join some of them.`;
  return new DomainError('conflict', 'too_many_policies', detail);
}

export function invalidRules(entries: readonly ProblemEntry[]): DomainError {
  const [first] = entries;
  const detail =
    entries.length === 1 && first
      ? `${first.detail}. ${first.fix}`
      : `${entries.length} values break their rules; see errors.`;
  return new DomainError('invalid', first?.rule ?? 'invalid_rules', detail, entries);
}

/** A rule id that another policy of the tenant has. */
export function ruleIdTaken(): DomainError {
  return refusal('conflict', {
    pointer: '/rules',
    rule: 'rule_id_taken',
    detail: 'A rule of another policy has one of these identifiers',
    fix: 'Leave the id of a new rule away; the controller makes one.',
  });
}

/** Rule ids that stand twice in the document. */
export function duplicateRuleIds(rules: readonly RuleInput[]): ProblemEntry[] {
  const first = new Map<string, number>();
  return rules.flatMap(({ id }, index) => {
    const before = id === undefined ? undefined : first.get(id);
    if (id !== undefined && before === undefined) first.set(id, index);
    if (before === undefined) return [];
    const detail = `The identifier stands at /rules/${before}/id already`;
    return [{ pointer: `/rules/${index}/id`, rule: 'duplicate_id', detail, fix: 'Leave the id of a new rule away.' }];
  });
}

/** What the rules name, with a pointer to each place. */
export function references(rules: readonly (Sides & Pick<RuleInput, 'serviceIds' | 'profileId'>)[]): Reference[] {
  return rules.flatMap((rule, index) => [
    ...referencesIn(rule, `/rules/${index}`),
    ...rule.serviceIds.map((id, place): Reference => {
      return { noun: 'service', id, pointer: `/rules/${index}/serviceIds/${place}` };
    }),
    ...(rule.profileId === null
      ? []
      : [{ noun: 'profile', id: rule.profileId, pointer: `/rules/${index}/profileId` } as const]),
  ]);
}

/** The same for one thing with two sides, which stands at the pointer. */
export function referencesIn(sides: Sides, pointer: string): Reference[] {
  return (['sources', 'destinations'] as const).flatMap((side) =>
    sides[side].flatMap((selector, place) => referenceOf(selector, `${pointer}/${side}/${place}`)),
  );
}

/** What the members of a group name. */
export function memberReferences(members: readonly GroupMember[]): Reference[] {
  return members.flatMap((member, place) => referenceOf(member, `/members/${place}`));
}

type Sides = Pick<RuleInput, 'sources' | 'destinations'>;

export interface Reference {
  readonly noun: 'site' | 'network' | 'address_pool' | 'external_peer' | 'group' | 'service' | 'profile';
  readonly id: string;
  readonly pointer: string;
}

export function unknownReference({ noun, id, pointer }: Reference): ProblemEntry {
  const words = noun.replace('_', ' ');
  const fix = `Name ${/^[ae]/.test(noun) ? 'an' : 'a'} ${words} of this tenant, or make it first.`;
  return { pointer, rule: `unknown_${noun}`, detail: `There is no ${words} ${id} in this tenant`, fix };
}

function referenceOf(selector: Selector | GroupMember, pointer: string): Reference[] {
  if (selector.kind === 'site') return [{ noun: 'site', id: selector.siteId, pointer: `${pointer}/siteId` }];
  if (selector.kind === 'network')
    return [{ noun: 'network', id: selector.networkId, pointer: `${pointer}/networkId` }];
  if (selector.kind === 'address_pool')
    return [{ noun: 'address_pool', id: selector.addressPoolId, pointer: `${pointer}/addressPoolId` }];
  if (selector.kind === 'external_peer')
    return [{ noun: 'external_peer', id: selector.externalPeerId, pointer: `${pointer}/externalPeerId` }];
  if (selector.kind === 'group') return [{ noun: 'group', id: selector.groupId, pointer: `${pointer}/groupId` }];
  return [];
}

/** What is wrong with a new order: what stands twice, what is not there, what is missing. */
export function orderProblems(wanted: readonly string[], existing: readonly string[]): ProblemEntry[] {
  const known = new Set(existing);
  const misplaced = wanted.flatMap((id, index) => {
    const pointer = `/policyIds/${index}`;
    if (!known.has(id)) {
      const fix = 'Name the policies of this tenant only.';
      return [{ pointer, rule: 'unknown_policy', detail: `There is no policy ${id} in this tenant`, fix }];
    }
    if (wanted.indexOf(id) === index) return [];
    return [
      { pointer, rule: 'duplicate_id', detail: `The policy ${id} stands here twice`, fix: 'Name each policy once.' },
    ];
  });
  const named = new Set(wanted);
  const missing = existing
    .filter((id) => !named.has(id))
    .map((id) => {
      const fix = 'Name every policy of this tenant.';
      return { pointer: '/policyIds', rule: 'missing_policy', detail: `The policy ${id} is missing`, fix };
    });
  return [...misplaced, ...missing];
}
