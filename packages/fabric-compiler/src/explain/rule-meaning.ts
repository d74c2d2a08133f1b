import { bytesToHex } from '@noble/hashes/utils.js';
import { type AddressSet, addressesOf, ownersIn, rangesKey } from '../address/address-set.js';
import { membersOf } from '../bitset.js';
import { canonicalText } from '../canonical-text.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import { OctetWriter } from '../fabric/octet-writer.js';
import type { IntentProfile, Rule } from '../intent.js';
import { compareText } from '../order.js';
import type { ResolvedRule } from '../resolved-rule.js';
import type { Topology } from '../topology.js';

/**
 * What each rule in force means, as a hash: its action, the addresses that its selectors come to and whose they are, its services,
 * the profile that it names, and when its tunnels are to start. So it is another one when somebody changes a group, a label, a network, a service or a
 * profile that the rule names, and the same whatever anything is called, and whatever stands in front of the rule. "Any" means
 * any: such a side stays what it is, whoever joins. Equal for equal meanings in whatever revisions, however these are numbered.
 */
export function ruleMeanings({ intent, plan, rules }: CompiledFabric): ReadonlyMap<string, string> {
  const written = new Map(intent.policies.flatMap((policy) => policy.rules.map((rule) => [rule.id, rule] as const)));
  const sides = new Map<AddressSet, Uint8Array>();
  const sideOf = (side: 'sources' | 'destinations', rule: ResolvedRule) => {
    if (saysAny(written.get(rule.ruleId), side)) return ANY;
    const known = sides.get(rule[side]) ?? digestOfAddresses(rule[side], plan.topology);
    sides.set(rule[side], known);
    return known;
  };
  return new Map(
    rules.map((rule) => {
      const writer = new OctetWriter().text(rule.action).octets(sideOf('sources', rule));
      writer.octets(sideOf('destinations', rule)).text(JSON.stringify(rule.services));
      writer.text(profileText(written.get(rule.ruleId), plan.context.profiles));
      // A rule of before there was a choice keeps the meaning that it had.
      if (rule.tunnelStart !== undefined) writer.text(canonicalText(rule.tunnelStart));
      return [rule.ruleId, bytesToHex(writer.hash().subarray(0, MEANING_OCTETS))] as const;
    }),
  );
}

function saysAny(rule: Rule | undefined, side: 'sources' | 'destinations'): boolean {
  return rule?.[side].some(({ kind }) => kind === 'any') === true;
}

/** By identifiers of owners: their numbers are of one revision. */
function digestOfAddresses(set: AddressSet, { owners, ownership }: Topology): Uint8Array {
  const parts = [...membersOf(ownersIn(set))].map(
    (owner) => [owners[owner]?.siteId ?? '', rangesKey(addressesOf(set, owner, ownership))] as const,
  );
  parts.sort(([left], [right]) => compareText(left, right));
  const writer = new OctetWriter().number(parts.length);
  for (const [owner, ranges] of parts) writer.text(owner).text(ranges);
  return writer.hash();
}

/** Of a profile that the rule names. The default one is the tenant's choice, and no rule's. */
function profileText(rule: Rule | undefined, profiles: ReadonlyMap<string, IntentProfile>): string {
  const profile = profiles.get(rule?.profileId ?? '');
  return profile === undefined || profile.id === '' ? '' : canonicalText([profile.id, profile.esp, profile.ike]);
}

/** No digest of addresses is so short. */
const ANY = new Uint8Array(0);
/** Far more than the meanings of one rule need to be told apart. */
const MEANING_OCTETS = 16;
