import type { FabricIntent, IntentPolicy } from './intent.js';
import type { CompileProblem } from './problem.js';
import { defaultProfile } from './profile.js';
import type { RuleContext } from './resolved-rule.js';
import type { ServedSite, Topology } from './topology.js';

/**
 * Reports where AH cannot be between edges: it passes no NAT (RFC 3715 section 2.1), which only edges that negotiate notice, and
 * that its tunnels leave an edge of a site that does not answer has not been shown.
 */
export function reportUnfitForAh(intent: FabricIntent, { served }: Topology, problems: CompileProblem[]): void {
  if (defaultProfile(intent).protocol !== 'ah') return;
  if ((intent.keyingMode ?? 'ike-less') !== 'ikev2') {
    problems.push({
      pointer: '/keyingMode',
      rule: 'ah_without_negotiation',
      detail: 'AH passes no NAT, and where edges do not negotiate nobody looks for one.',
      fix: 'Let the edges negotiate (ikev2), or choose esp.',
    });
  }
  for (const site of served) reportSeveralEdges(site, problems);
  reportSharedAddresses(served, problems);
}

/**
 * Reports a policy that asks for confidentiality and has a rule that AH would protect, which encrypts nothing (RFC 4302 section 1).
 * Traffic with external peers is ESP, whatever protects that between edges.
 */
export function reportConfidential(
  { name, confidential, rules }: IntentPolicy,
  pointer: string,
  { profiles, defaultProfileId }: Pick<RuleContext, 'profiles' | 'defaultProfileId'>,
  problems: CompileProblem[],
): void {
  if (confidential !== true) return;
  const readable = rules.find(
    ({ action, enabled, profileId = defaultProfileId, sources, destinations }) =>
      action === 'PROTECT' &&
      enabled !== false &&
      profiles.get(profileId)?.esp.protocol === 'ah' &&
      [sources, destinations].every((side) => side.some(({ kind }) => kind !== 'external_peer')),
  );
  if (readable === undefined) return;
  problems.push({
    pointer: `${pointer}/confidential`,
    rule: 'ah_is_not_confidential',
    detail: `The policy "${name}" asks for confidentiality, and packets that its rule "${readable.name}" allows would be protected by AH: authenticated, not encrypted.`,
    fix: 'Protect with esp, or do not ask for confidentiality.',
  });
}

function reportSeveralEdges({ name, edges }: ServedSite, problems: CompileProblem[]): void {
  const [, second] = edges;
  if (second === undefined) return;
  problems.push({
    pointer: second.pointer,
    rule: 'ah_with_several_edges',
    detail: `The site "${name}" has ${edges.length} edges, and tunnels of AH are not watched for one that does not answer.`,
    fix: 'Choose esp, or leave the site one edge.',
  });
}

/** Two edges at one address are told apart by ports, which only a NAT in front of them can do. */
function reportSharedAddresses(served: readonly ServedSite[], problems: CompileProblem[]): void {
  const known = new Map<string, string>();
  for (const { name, pointer, underlay } of served.flatMap(({ edges }) => edges)) {
    const other = known.get(underlay.address);
    known.set(underlay.address, other ?? name);
    if (other === undefined) continue;
    problems.push({
      pointer: `${pointer}/underlayAddress`,
      rule: 'ah_behind_nat',
      detail: `The edges "${other}" and "${name}" share the underlay address ${underlay.address}, so that a NAT is in front of them; AH covers the addresses that it changes.`,
      fix: 'Choose esp, or give each edge an underlay address of its own.',
    });
  }
}
