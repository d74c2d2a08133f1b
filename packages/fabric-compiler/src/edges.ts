import type { Family } from './address/family.js';
import { rangesOverlap } from './address/range-set.js';
import { unusableBlock } from './address/special.js';
import { formatAddressText, parseAddressText } from './address/text.js';
import type { BundleEndpoint } from './bundle.js';
import type { FabricIntent, IntentEdge } from './intent.js';
import type { PlacedNetwork } from './networks.js';
import type { CompileProblem } from './problem.js';
import { hostPrefix } from './transport-mode.js';

export interface TopologyEdge {
  readonly edgeId: string;
  readonly name: string;
  readonly underlay: BundleEndpoint;
  readonly underlayFamily: Family;
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
    const endpoint = `${checked.underlay.address} port ${checked.underlay.port}`;
    const sameEndpoint = byEndpoint.get(endpoint);
    if (sameEndpoint !== undefined) {
      problems.push({
        pointer: `${pointer}/underlayAddress`,
        rule: 'duplicate_endpoint',
        detail: `The edges "${edge.name}" and "${sameEndpoint.name}" both receive on ${endpoint}.`,
        fix: 'Give each edge an underlay address or port of its own.',
      });
    }
    byEndpoint.set(endpoint, edge);
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
  const address = parseAddressText(edge.underlayAddress);
  if (address === undefined) {
    problems.push({
      pointer: `${pointer}/underlayAddress`,
      rule: 'invalid_address',
      detail: `"${edge.underlayAddress.slice(0, 64)}", the underlay address of the edge "${edge.name}", is not an IP address.`,
      fix: 'Write the IPv4 or IPv6 address that other edges reach, for example 203.0.113.7.',
    });
    return undefined;
  }
  const range = { first: address.value, last: address.value };
  const text = formatAddressText(address);
  const block = unusableBlock(address.family, range);
  if (block !== undefined) {
    problems.push({
      pointer: `${pointer}/underlayAddress`,
      rule: 'unusable_address',
      detail: `The underlay address ${text} of the edge "${edge.name}" is in ${block}.`,
      fix: 'Write the unicast address that other edges reach.',
    });
    return undefined;
  }
  const around = networks.find(({ prefix }) => prefix.family === address.family && rangesOverlap(prefix.range, range));
  if (around !== undefined) {
    problems.push({
      pointer: `${pointer}/underlayAddress`,
      rule: 'underlay_inside_overlay',
      detail: `The underlay address ${text} of the edge "${edge.name}" lies inside the network "${around.network.name}" (${around.prefix.text}); packets to it would be routed into the tunnel that they carry.`,
      fix: 'Use an underlay address outside every network of the fabric, or a narrower network.',
    });
    return undefined;
  }
  return {
    edgeId: edge.id,
    name: edge.name,
    underlay: { address: text, port: edge.underlayPort },
    underlayFamily: address.family,
    preference,
    pointer,
  };
}

const MAX_PORT = 65535;
const MIN_PREFERENCE = 1;
const MAX_PREFERENCE = 255;
