import {
  FAMILIES,
  type Family,
  type FamilyRanges,
  familyIntersection,
  familyUnion,
  isEmpty,
  NO_RANGES,
} from './address/family.js';
import { rangesOfPrefix } from './address/prefix.js';
import type { Rule, RuleAction, Selector } from './intent.js';
import { checkPrefix } from './networks.js';
import type { CompileProblem } from './problem.js';
import { checkServices, type ResolvedService, servicesOfFamily } from './services.js';
import type { Topology } from './topology.js';

/** A rule whose selectors have become addresses, site by site. */
export interface ResolvedRule {
  readonly ruleId: string;
  readonly action: Exclude<RuleAction, 'BYPASS'>;
  readonly sources: SiteRanges;
  readonly destinations: SiteRanges;
  readonly services: Readonly<Record<Family, readonly ResolvedService[]>>;
}

/** Addresses per site; a site without any is absent. */
export type SiteRanges = ReadonlyMap<string, FamilyRanges>;

/** Checks one rule and resolves it; undefined when it was reported as broken. */
export function resolveRule(
  rule: Rule,
  pointer: string,
  topology: Topology,
  problems: CompileProblem[],
): ResolvedRule | undefined {
  const before = problems.length;
  const sources = resolveSide(rule, 'sources', pointer, topology, problems);
  const destinations = resolveSide(rule, 'destinations', pointer, topology, problems);
  checkServices(rule.services, `${pointer}/services`, problems);
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
  const services = { 4: servicesOfFamily(rule.services, 4), 6: servicesOfFamily(rule.services, 6) };
  reportWithoutEffect(rule, pointer, { sources, destinations, services }, problems);
  if (problems.length > before) return undefined;
  return { ruleId: rule.id, action: rule.action, sources, destinations, services };
}

function resolveSide(
  rule: Rule,
  side: 'sources' | 'destinations',
  pointer: string,
  topology: Topology,
  problems: CompileProblem[],
): SiteRanges {
  const selectors = rule[side];
  if (selectors.length === 0) {
    problems.push({
      pointer: `${pointer}/${side}`,
      rule: 'empty_list',
      detail: `The rule "${rule.name}" names no ${side}.`,
      fix: 'Name at least one; {"kind":"any"} covers all sites.',
    });
  }
  const parts = new Map<string, FamilyRanges[]>();
  for (const [index, selector] of selectors.entries()) {
    for (const [siteId, ranges] of resolveSelector(selector, `${pointer}/${side}/${index}`, topology, problems)) {
      parts.set(siteId, [...(parts.get(siteId) ?? []), ranges]);
    }
  }
  return new Map([...parts].map(([siteId, ranges]) => [siteId, familyUnion(ranges)]));
}

function resolveSelector(
  selector: Selector,
  pointer: string,
  topology: Topology,
  problems: CompileProblem[],
): SiteRanges {
  switch (selector.kind) {
    case 'any':
      return withinSites(topology, undefined);
    case 'site': {
      const site = topology.sites.get(selector.siteId);
      if (site === undefined) {
        problems.push({
          pointer: `${pointer}/siteId`,
          rule: 'unknown_site',
          detail: `The site ${selector.siteId} does not exist.`,
          fix: 'Name an existing site, or remove the selector.',
        });
        return new Map();
      }
      if (isEmpty(site.ranges)) {
        reportNoNetwork(`${pointer}/siteId`, `The site "${site.name}" has no networks.`, problems);
        return new Map();
      }
      return new Map([[site.siteId, site.ranges]]);
    }
    case 'network': {
      const network = topology.networks.get(selector.networkId);
      if (network !== undefined) return new Map([[network.siteId, network.ranges]]);
      problems.push({
        pointer: `${pointer}/networkId`,
        rule: 'unknown_network',
        detail: `The network ${selector.networkId} does not exist.`,
        fix: 'Name an existing network, or remove the selector.',
      });
      return new Map();
    }
    case 'prefix': {
      const prefix = checkPrefix(selector.prefix, `${pointer}/prefix`, problems);
      if (prefix === undefined) return new Map();
      const found = withinSites(topology, rangesOfPrefix(prefix));
      if (found.size === 0) {
        reportNoNetwork(`${pointer}/prefix`, `No network of any site holds an address of ${prefix.text}.`, problems);
      }
      return found;
    }
  }
}

function withinSites(topology: Topology, limit: FamilyRanges | undefined): SiteRanges {
  const found = new Map<string, FamilyRanges>();
  for (const site of topology.sites.values()) {
    const ranges = limit === undefined ? site.ranges : familyIntersection(site.ranges, limit);
    if (!isEmpty(ranges)) found.set(site.siteId, ranges);
  }
  return found;
}

function reportNoNetwork(pointer: string, detail: string, problems: CompileProblem[]): void {
  problems.push({
    pointer,
    rule: 'matches_no_network',
    detail,
    fix: 'Add the network that is meant to its site, or remove the selector.',
  });
}

/**
 * Reports a rule that can never decide a packet. One that says "any" is left alone: it waits for sites to come.
 */
function reportWithoutEffect(
  rule: Rule,
  pointer: string,
  resolved: Pick<ResolvedRule, 'sources' | 'destinations' | 'services'>,
  problems: CompileProblem[],
): void {
  if ([...rule.sources, ...rule.destinations].some((selector) => selector.kind === 'any')) return;
  const { sources, destinations, services } = resolved;
  const families = FAMILIES.filter((family) => hasFamily(sources, family) && hasFamily(destinations, family));
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

function hasFamily(side: SiteRanges, family: Family): boolean {
  return [...side.values()].some((ranges) => ranges[family].length > 0);
}

function crossesSites(sources: SiteRanges, destinations: SiteRanges, family: Family): boolean {
  return [...sources].some(
    ([siteId, ranges]) =>
      ranges[family].length > 0 &&
      [...destinations].some(
        ([otherId]) => otherId !== siteId && (destinations.get(otherId) ?? NO_RANGES)[family].length > 0,
      ),
  );
}
