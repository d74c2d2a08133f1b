import type { EdgeBundle } from '../src/bundle.js';
import type { FabricIntent } from '../src/intent.js';
import { firstMatch, type Packet, prefixHolds, siteOf } from './reference-policy.js';
import { addressAtSite, exchanged } from './site-address.js';

/**
 * Carries one packet through the delivered bundles, from every edge of its site and by every tunnel of every group, and says
 * each different end that it comes to: the sites that it passed when it arrives, or why it does not. Its addresses are those of the
 * fabric; it leaves and arrives with those of the sites, between which and the fabric its first and its last edge translate.
 */
export function deliveredFates(
  intent: FabricIntent,
  bundles: ReadonlyMap<string, EdgeBundle>,
  packet: Packet,
): ReadonlySet<string> {
  const fates = new Set<string>();
  const destination = siteOf(intent, packet.destination);
  const sourceOf = ({ networkMappings }: EdgeBundle) =>
    exchanged(
      addressAtSite(intent, packet.source),
      networkMappings.map(({ local, overlay }) => [local, overlay]),
    );
  const toSite = ({ networkMappings }: EdgeBundle) =>
    exchanged(
      packet.destination,
      networkMappings.map(({ local, overlay }) => [overlay, local]),
    );
  const siteOfEdge = new Map(intent.edges.map(({ id, siteId }) => [id, siteId]));
  const visit = (edgeId: string, way: readonly string[], arrivedBy: string | undefined): void => {
    const bundle = bundles.get(edgeId);
    const site = siteOfEdge.get(edgeId) ?? '';
    if (bundle === undefined || way.length > 10) return void fates.add('lost');
    const passed = [...way, site];
    if (arrivedBy === undefined && sourceOf(bundle) !== packet.source) return void fates.add('source of a site');
    if (arrivedBy !== undefined && !accepts(bundle, packet, arrivedBy)) return void fates.add('discarded');
    if (site === destination) {
      const isDelivered = toSite(bundle) === addressAtSite(intent, packet.destination);
      return void fates.add(isDelivered ? passed.join(' ') : 'delivered to another');
    }
    if (!bundle.routes.some((route) => prefixHolds(route, packet.destination))) return void fates.add('clear');
    const entry = firstMatch(bundle, packet, 'outbound');
    if (entry?.action === 'BYPASS') return void fates.add('clear');
    if (entry?.action !== 'PROTECT') return void fates.add('discarded');
    const members = membersOf(bundle, entry.tunnelId);
    if (members.length === 0) fates.add('no tunnel');
    for (const { tunnelId, peerEdgeId } of members) visit(peerEdgeId, passed, tunnelId);
  };
  for (const [edgeId, siteId] of siteOfEdge) {
    if (siteId === siteOf(intent, packet.source)) visit(edgeId, [], undefined);
  }
  return fates;
}

/** RFC 4301 section 5.2: the entry that would send the answer must be for the tunnel that the packet came out of. */
function accepts(bundle: EdgeBundle, packet: Packet, tunnelId: string): boolean {
  const entry = firstMatch(bundle, packet, 'inbound');
  if (entry?.action !== 'PROTECT') return false;
  return membersOf(bundle, entry.tunnelId).some((tunnel) => tunnel.tunnelId === tunnelId);
}

function membersOf(bundle: EdgeBundle, tunnelOrGroupId: string): EdgeBundle['tunnels'] {
  const group = bundle.tunnelGroups.find(({ groupId }) => groupId === tunnelOrGroupId);
  const tunnelIds = group?.tunnelIds ?? [tunnelOrGroupId];
  return bundle.tunnels.filter(({ tunnelId }) => tunnelIds.includes(tunnelId));
}
