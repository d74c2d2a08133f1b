import type { BundleExternalPeer, BundleTunnel, EdgeBundle } from '../src/bundle.js';
import type { FabricIntent } from '../src/intent.js';
import { firstMatch, holderInIntent, type Packet, prefixHolds, selectorsHold, siteOf } from './reference-policy.js';
import { addressAtSite, exchanged } from './site-address.js';

/**
 * Carries one packet through the delivered bundles, from every edge of its site and by every tunnel of every group, and says
 * each different end that it comes to: the sites that it passed when it arrives, or why it does not. Its addresses are those of the
 * fabric; it leaves and arrives with those of the sites, between which and the fabric its first and its last edge translate. What comes
 * from an external peer comes out of the tunnel with it, whose traffic selectors have to hold it as they have to hold what goes there.
 */
export function deliveredFates(
  intent: FabricIntent,
  bundles: ReadonlyMap<string, EdgeBundle>,
  packet: Packet,
): ReadonlySet<string> {
  const fates = new Set<string>();
  const destination = holderInIntent(intent, packet.destination);
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
    const next = tunnelsFor(bundle, packet);
    if (typeof next === 'string') return void fates.add(next);
    for (const tunnel of next) {
      if (tunnel.external === undefined) visit(tunnel.peerEdgeId, passed, tunnel.tunnelId);
      else fates.add(fateBeyond(tunnel, tunnel.external, packet, [...passed, destination ?? '']));
    }
  };
  for (const [edgeId, siteId] of siteOfEdge) {
    if (siteId === siteOf(intent, packet.source)) visit(edgeId, [], undefined);
  }
  for (const [edgeId, arrivedBy, fate] of comingIn(intent, bundles, packet)) {
    if (fate === undefined) visit(edgeId, [arrivedBy.peerEdgeId], arrivedBy.tunnelId);
    else fates.add(fate);
  }
  return fates;
}

/** The tunnels that an edge may send a packet by, or what becomes of it in place of that. */
function tunnelsFor(bundle: EdgeBundle, packet: Packet): EdgeBundle['tunnels'] | 'clear' | 'discarded' | 'no tunnel' {
  if (!bundle.routes.some((route) => prefixHolds(route, packet.destination))) return 'clear';
  const entry = firstMatch(bundle, packet, 'outbound');
  if (entry?.action === 'BYPASS') return 'clear';
  if (entry?.action !== 'PROTECT') return 'discarded';
  const members = membersOf(bundle, entry.tunnelId);
  return members.length === 0 ? 'no tunnel' : members;
}

/** What becomes of a packet that is given to the tunnel with an external peer. */
function fateBeyond(
  { peerEdgeId }: BundleTunnel,
  external: BundleExternalPeer,
  packet: Packet,
  passed: readonly string[],
): string {
  if (peerEdgeId !== passed.at(-1)) return 'delivered to another';
  return selectorsHold(external, packet) ? passed.join(' ') : 'not selected';
}

/** Where a packet of an external peer comes in, unless its tunnel is not for such packets. */
function* comingIn(
  intent: FabricIntent,
  bundles: ReadonlyMap<string, EdgeBundle>,
  packet: Packet,
): Generator<readonly [edgeId: string, tunnel: BundleTunnel, fate: string | undefined]> {
  const source = holderInIntent(intent, packet.source);
  const answer = { ...packet, source: packet.destination, destination: packet.source };
  for (const [edgeId, { tunnels }] of bundles) {
    for (const tunnel of tunnels) {
      if (tunnel.external === undefined || tunnel.peerEdgeId !== source) continue;
      yield [edgeId, tunnel, selectorsHold(tunnel.external, answer) ? undefined : 'not selected'];
    }
  }
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
