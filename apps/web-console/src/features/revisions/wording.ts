import type { AffectedEdge, BlastRadius, Finding, FlowChange, IntentChange } from '../../api/index.js';
import { plural } from '../../lib/format-quantity.js';

/** What each proof is about, as a heading. */
export const FINDING_TITLES: Readonly<Record<Finding['kind'], string>> = {
  allowed_is_discarded: 'Allowed traffic would be discarded',
  denied_is_protected: 'Forbidden traffic would pass',
  cleartext: 'Traffic could leave unprotected',
  wrong_profile: 'Traffic would be protected with another profile',
  not_confidential: 'Traffic that must be confidential would be readable on the underlay',
  transport_beyond_hosts: 'Transport mode would carry what does not go from host to host',
  foreign_local: 'An edge would speak for addresses that are not its own',
  shadowed_rule: 'A rule can never decide anything',
  black_hole: 'Allowed traffic would reach nobody',
  routing_loop: 'Traffic would go in circles',
  wrong_route: 'Traffic would be routed the wrong way',
  ambiguous_peer: 'Two tunnels would carry the same addresses',
  one_sided_peer: 'A tunnel would have one end only',
  unequal_alternatives: 'Two edges of one site would treat traffic differently',
  delivered_differs: 'An edge would be given something else than what was proven',
  wrong_endpoint: 'A tunnel would end at another place than it should',
  no_proposal_chosen: 'IKE would find no proposal in common',
  ts_unacceptable: 'IKE would refuse the traffic selectors',
  authentication_failed: 'IKE would refuse the identity',
  unsafe_transition: 'Traffic would be cut or uncovered on the way',
  policy_test_failed: 'A policy test fails',
};

/** The blast radius as numbers with their nouns; what is nothing is left out. */
export function radiusWords(radius: BlastRadius): readonly string[] {
  const pairs = (count: number): string => `${radius.complete ? '' : 'at least '}${plural(count, 'pair')} of sites`;
  const parts: readonly (readonly [number, string])[] = [
    [radius.edges, `${plural(radius.edges, 'edge')} with another bundle`],
    [radius.tunnelsAdded, `${plural(radius.tunnelsAdded, 'tunnel')} more`],
    [radius.tunnelsRemoved, `${plural(radius.tunnelsRemoved, 'tunnel')} fewer`],
    [radius.tunnelsChanged, `${plural(radius.tunnelsChanged, 'tunnel')} made anew`],
    [
      radius.tunnelsNotEncrypted,
      `${plural(radius.tunnelsNotEncrypted, 'tunnel')} AUTHENTICATED BUT NOT ENCRYPTED (AH): everybody on the underlay can read what is in them`,
    ],
    [radius.sitePairsAllowed, `traffic newly allowed between ${pairs(radius.sitePairsAllowed)}`],
    [radius.sitePairsDenied, `traffic no longer allowed between ${pairs(radius.sitePairsDenied)}`],
    [radius.sitePairsOtherProfile, `another profile between ${pairs(radius.sitePairsOtherProfile)}`],
  ];
  return parts.flatMap(([count, words]) => (count > 0 ? [words] : []));
}

/** “loses 11 of 12 tunnels and 22 of 24 policy entries”. */
export function removalWords({ tunnels, securityPolicies }: NonNullable<AffectedEdge['removal']>): string {
  const parts: readonly (readonly [{ removed: number; before: number }, string])[] = [
    [tunnels, 'tunnels'],
    [securityPolicies, 'policy entries'],
  ];
  const losses = parts.flatMap(([{ removed, before }, noun]) =>
    removed > 0 ? [`${removed} of ${before} ${noun}`] : [],
  );
  return `loses ${losses.join(' and ') || 'nothing'}`;
}

/** “Newly allowed by “https””, and so on. */
export function flowWords({ change, ruleBefore, ruleAfter }: FlowChange): string {
  if (change === 'allowed') return `Newly allowed by “${ruleAfter?.name}”`;
  if (change === 'other_profile') return `Protected with another profile by “${ruleAfter?.name}”`;
  return ruleAfter === null ? `No longer allowed by “${ruleBefore?.name}”` : `Now forbidden by “${ruleAfter.name}”`;
}

/** “Rule “https” added”. */
export function intentWords({ noun, name, change }: IntentChange): string {
  return noun === 'tenant' ? `Settings ${change}` : `${NOUNS[noun]} “${name}” ${change}`;
}

const NOUNS: Readonly<Record<Exclude<IntentChange['noun'], 'tenant'>, string>> = {
  site: 'Site',
  network: 'Network',
  address_pool: 'Address pool',
  edge: 'Edge',
  external_peer: 'External peer',
  group: 'Group',
  service: 'Service',
  profile: 'Profile',
  policy: 'Policy',
  rule: 'Rule',
  policy_test: 'Policy test',
};
