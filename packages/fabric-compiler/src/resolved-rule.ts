import type { AddressSet } from './address/address-set.js';
import { FAMILIES, type Family } from './address/family.js';
import { noBits, onlyMember } from './bitset.js';
import type { IntentProfile, IntentService, Rule, RuleAction, TunnelStart } from './intent.js';
import type { CompileProblem } from './problem.js';
import { resolveSelectors, type SelectorContext } from './selectors.js';
import { checkServices, type ResolvedService, servicesOfFamily } from './services.js';

/** A rule whose selectors have become addresses. */
export interface ResolvedRule {
  readonly ruleId: string;
  readonly name: string;
  readonly action: Exclude<RuleAction, 'BYPASS'>;
  readonly sources: AddressSet;
  readonly destinations: AddressSet;
  readonly services: ServicesByFamily;
  readonly profileId: string;
  /** Absent: as the tenant has it. */
  readonly tunnelStart?: TunnelStart;
}

export type ServicesByFamily = Readonly<Record<Family, readonly ResolvedService[]>>;

/** What rules are resolved against, but for named services, which are edited as rules are. */
export interface RuleContext extends SelectorContext {
  readonly profiles: ReadonlyMap<string, IntentProfile>;
  /** Of rules that name no profile; the empty one is the product's. */
  readonly defaultProfileId: string;
}

/** By identifier. */
export type NamedServices = ReadonlyMap<string, IntentService>;

/** Checks one rule and resolves it; undefined when it was reported as broken. */
export function resolveRule(
  rule: Rule,
  pointer: string,
  context: RuleContext,
  services: NamedServices,
  problems: CompileProblem[],
): ResolvedRule | undefined {
  const before = problems.length;
  const sources = resolveSide(rule, 'sources', pointer, context, problems);
  const destinations = resolveSide(rule, 'destinations', pointer, context, problems);
  const named = namedServices(rule, pointer, services, problems);
  if (named.length === 0 || rule.services.length > 0) checkServices(rule.services, `${pointer}/services`, problems);
  const profileId = rule.profileId ?? context.defaultProfileId;
  // A default that does not exist is reported where it is named.
  if (rule.profileId !== undefined && !context.profiles.has(profileId)) {
    problems.push({
      pointer: `${pointer}/profileId`,
      rule: 'unknown_profile',
      detail: `The profile ${profileId} does not exist.`,
      fix: 'Name an existing profile, or leave it out for the default one.',
    });
  }
  if (rule.action === 'BYPASS') {
    problems.push({
      pointer: `${pointer}/action`,
      rule: 'bypass_between_sites',
      detail: `The rule "${rule.name}" lets traffic between sites pass unprotected, which is not offered yet.`,
      fix: 'Choose PROTECT or DISCARD.',
    });
    return undefined;
  }
  if (problems.length > before) return undefined;
  const all = [...rule.services, ...named];
  const byFamily = { 4: servicesOfFamily(all, 4), 6: servicesOfFamily(all, 6) };
  reportWithoutEffect(rule, pointer, { sources, destinations, services: byFamily }, problems);
  if (problems.length > before) return undefined;
  return {
    ruleId: rule.id,
    name: rule.name,
    action: rule.action,
    sources,
    destinations,
    services: byFamily,
    profileId,
    ...(rule.tunnelStart === undefined ? {} : { tunnelStart: rule.tunnelStart }),
  };
}

function namedServices(rule: Rule, pointer: string, services: NamedServices, problems: CompileProblem[]) {
  return (rule.serviceIds ?? []).flatMap((id, index) => {
    const found = services.get(id);
    if (found !== undefined) return found.services;
    problems.push({
      pointer: `${pointer}/serviceIds/${index}`,
      rule: 'unknown_service',
      detail: `The service ${id} does not exist.`,
      fix: 'Name an existing service, or remove it from the rule.',
    });
    return [];
  });
}

function resolveSide(
  rule: Rule,
  side: 'sources' | 'destinations',
  pointer: string,
  context: RuleContext,
  problems: CompileProblem[],
): AddressSet {
  if (rule[side].length === 0) {
    problems.push({
      pointer: `${pointer}/${side}`,
      rule: 'empty_list',
      detail: `The rule "${rule.name}" names no ${side}.`,
      fix: 'Name at least one; {"kind":"any"} covers all sites.',
    });
  }
  return resolveSelectors(rule[side], `${pointer}/${side}`, context, problems);
}

/**
 * Reports a rule that can never decide a packet. One that says "any", or names a group, is left alone: it waits for sites
 * to come.
 */
function reportWithoutEffect(
  rule: Rule,
  pointer: string,
  { sources, destinations, services }: Pick<ResolvedRule, 'sources' | 'destinations' | 'services'>,
  problems: CompileProblem[],
): void {
  const named = [...rule.sources, ...rule.destinations];
  if (named.some(({ kind }) => kind === 'any' || kind === 'group')) return;
  const families = FAMILIES.filter(
    (family) => !noBits(sources.present[family]) && !noBits(destinations.present[family]),
  );
  if (families.length === 0) {
    problems.push({
      pointer: `${pointer}/destinations`,
      rule: 'family_mismatch',
      detail: `The sources and destinations of the rule "${rule.name}" share no IP version.`,
      fix: 'Name sources and destinations that both have IPv4, or both have IPv6, networks.',
    });
    return;
  }
  if (families.every((family) => services[family].length === 0)) {
    problems.push({
      pointer: `${pointer}/services`,
      rule: 'family_mismatch',
      detail: `The services of the rule "${rule.name}" do not exist in IPv${families.join(' and IPv')}.`,
      fix: 'Use icmp with IPv4 networks and icmpv6 with IPv6 networks.',
    });
    return;
  }
  if (families.every((family) => !crossesSites(sources, destinations, family))) {
    problems.push({
      pointer: `${pointer}/destinations`,
      rule: 'within_one_site',
      detail: `The rule "${rule.name}" names traffic inside one site only, which never passes an edge.`,
      fix: 'Name a destination at another site, or delete the rule.',
    });
  }
}

/** Whether somebody's packets can go to somebody else. */
function crossesSites(sources: AddressSet, destinations: AddressSet, family: Family): boolean {
  if (noBits(sources.present[family]) || noBits(destinations.present[family])) return false;
  const only = onlyMember(sources.present[family]);
  return only === undefined || only !== onlyMember(destinations.present[family]);
}
