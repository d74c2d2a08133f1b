import type { Family } from './address/family.js';
import { formatAddressText, parseAddressText } from './address/text.js';
import type { BundleEndpoint } from './bundle.js';
import { placedAddress } from './edge-address.js';
import type { FabricIntent, IntentEdge } from './intent.js';
import type { PlacedNetwork } from './networks.js';
import type { CompileProblem } from './problem.js';
import { hostPrefix } from './transport-mode.js';
import { otherUplinks } from './uplinks.js';

export interface TopologyEdge {
  readonly edgeId: string;
  readonly name: string;
  readonly underlay: BundleEndpoint;
  /** Of its other uplinks, in order of preference. */
  readonly otherUnderlays: readonly BundleEndpoint[];
  readonly underlayFamily: Family;
  /** Of its uplinks: the one with the longest header, which the overlay leaves room for. */
  readonly outerFamily: Family;
  readonly preference: number;
  /** Where the edge stands in the intent, for problems. */
  readonly pointer: string;
}

/** The edges of a site that has any, preferred first. */
export type SiteEdges = readonly [TopologyEdge, ...TopologyEdge[]];

/** Checks the edges; the result is by site id and holds the edges of each site, preferred first. */
export function checkEdges(
  intent: FabricIntent,
  siteIds: ReadonlySet<string>,
  networks: readonly PlacedNetwork[],
  problems: CompileProblem[],
): Map<string, SiteEdges> {
  const bySite = new Map<string, SiteEdges>();
  const byEndpoint = new Map<string, IntentEdge>();
  for (const [index, edge] of intent.edges.entries()) {
    const pointer = `/edges/${index}`;
    if (!siteIds.has(edge.siteId)) {
      problems.push({
        pointer: `${pointer}/siteId`,
        rule: 'unknown_site',
        detail: `The edge "${edge.name}" names the site ${edge.siteId}, which does not exist.`,
        fix: 'Name an existing site, or delete the edge.',
      });
    }
    const checked = checkEdge(edge, pointer, othersOf(edge, networks, intent), problems);
    if (checked === undefined) continue;
    reportSharedEndpoints(edge, checked, byEndpoint, problems);
    const siblings = bySite.get(edge.siteId) ?? [];
    const same = siblings.find(({ preference }) => preference === checked.preference);
    if (same !== undefined) {
      problems.push({
        pointer: `${pointer}/preference`,
        rule: 'duplicate_preference',
        detail: `The edges "${edge.name}" and "${same.name}" of one site both have the preference ${checked.preference}.`,
        fix: 'Give each edge of a site a preference of its own; 1 comes first.',
      });
      continue;
    }
    const [first = checked, ...others] = [...siblings, checked].sort((one, other) => one.preference - other.preference);
    bySite.set(edge.siteId, [first, ...others]);
  }
  return bySite;
}

function reportSharedEndpoints(
  edge: IntentEdge,
  { underlay, otherUnderlays, pointer }: TopologyEdge,
  byEndpoint: Map<string, IntentEdge>,
  problems: CompileProblem[],
): void {
  for (const [index, { address, port }] of [underlay, ...otherUnderlays].entries()) {
    const endpoint = `${address} port ${port}`;
    const sameEndpoint = byEndpoint.get(endpoint);
    if (sameEndpoint !== undefined) {
      problems.push({
        pointer: index === 0 ? `${pointer}/underlayAddress` : `${pointer}/otherUnderlayAddresses/${index - 1}`,
        rule: 'duplicate_endpoint',
        detail: `The edges "${edge.name}" and "${sameEndpoint.name}" both receive on ${endpoint}.`,
        fix: 'Give each edge an underlay address or port of its own.',
      });
    }
    byEndpoint.set(endpoint, edge);
  }
}

/** The networks that must not hold its underlay address: in transport mode that address itself is what is protected. */
function othersOf(
  { siteId, underlayAddress }: IntentEdge,
  networks: readonly PlacedNetwork[],
  { mode }: FabricIntent,
): readonly PlacedNetwork[] {
  const address = parseAddressText(underlayAddress);
  if (mode !== 'transport' || address === undefined) return networks;
  const own = hostPrefix(formatAddressText(address));
  return networks.filter(({ network, prefix }) => network.siteId !== siteId || prefix.text !== own);
}

function checkEdge(
  edge: IntentEdge,
  pointer: string,
  networks: readonly PlacedNetwork[],
  problems: CompileProblem[],
): TopologyEdge | undefined {
  if (!Number.isInteger(edge.underlayPort) || edge.underlayPort < 1 || edge.underlayPort > MAX_PORT) {
    problems.push({
      pointer: `${pointer}/underlayPort`,
      rule: 'invalid_port',
      detail: `The edge "${edge.name}" has the UDP port ${edge.underlayPort}.`,
      fix: `Use a whole number from 1 to ${MAX_PORT}; 4500 is usual.`,
    });
    return undefined;
  }
  const preference = edge.preference ?? MIN_PREFERENCE;
  if (!Number.isInteger(preference) || preference < MIN_PREFERENCE || preference > MAX_PREFERENCE) {
    problems.push({
      pointer: `${pointer}/preference`,
      rule: 'invalid_preference',
      detail: `The edge "${edge.name}" has the preference ${preference}.`,
      fix: `Use a whole number from ${MIN_PREFERENCE} to ${MAX_PREFERENCE}; 1 comes first.`,
    });
    return undefined;
  }
  const named = { name: edge.name, text: edge.underlayAddress, pointer: `${pointer}/underlayAddress` };
  const address = placedAddress(named, networks, problems);
  if (address === undefined) return undefined;
  const text = formatAddressText(address);
  const others = otherUplinks(edge, pointer, text, networks, problems);
  if (others === undefined) return undefined;
  return {
    edgeId: edge.id,
    name: edge.name,
    underlay: { address: text, port: edge.underlayPort },
    otherUnderlays: others.map((other) => ({ address: formatAddressText(other), port: edge.underlayPort })),
    underlayFamily: address.family,
    outerFamily: others.some(({ family }) => family === 6) ? 6 : address.family,
    preference,
    pointer,
  };
}

const MAX_PORT = 65535;
const MIN_PREFERENCE = 1;
const MAX_PREFERENCE = 255;
