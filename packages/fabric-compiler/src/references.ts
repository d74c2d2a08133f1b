import { parseAddressText } from './address/text.js';
import type { FabricIntent, IntentExternalPeer, IntentTopology } from './intent.js';
import type { CompileProblem } from './problem.js';

/** Reports what topology and external peers name that does not exist, or cannot be. */
export function checkReferences(intent: FabricIntent, problems: CompileProblem[]): void {
  const siteIds = new Set(intent.sites.map(({ id }) => id));
  for (const [pointer, siteId] of namedSites(intent.topology)) reportUnknownSite(pointer, siteId, siteIds, problems);
  for (const [index, peer] of (intent.externalPeers ?? []).entries()) {
    checkExternalPeer(peer, `/externalPeers/${index}`, siteIds, problems);
  }
}

function checkExternalPeer(
  peer: IntentExternalPeer,
  pointer: string,
  siteIds: ReadonlySet<string>,
  problems: CompileProblem[],
): void {
  for (const [index, siteId] of peer.gatewaySiteIds.entries()) {
    reportUnknownSite(`${pointer}/gatewaySiteIds/${index}`, siteId, siteIds, problems);
  }
  if (siteIds.has(peer.id)) {
    problems.push({
      pointer: `${pointer}/id`,
      rule: 'duplicate_id',
      detail: `The external peer "${peer.name}" has the identifier of a site.`,
      fix: 'Give it an identifier of its own.',
    });
  }
  if (peer.kind === 'remote_host') return;
  if (parseAddressText(peer.address) === undefined) {
    problems.push({
      pointer: `${pointer}/address`,
      rule: 'invalid_address',
      detail: `"${peer.address.slice(0, 64)}", the address of the external peer "${peer.name}", is not an IP address.`,
      fix: 'Write the IPv4 or IPv6 address that our edges reach, for example 203.0.113.7.',
    });
  }
  if (Number.isInteger(peer.port) && peer.port >= 1 && peer.port <= MAX_PORT) return;
  problems.push({
    pointer: `${pointer}/port`,
    rule: 'invalid_port',
    detail: `The external peer "${peer.name}" has the UDP port ${peer.port}.`,
    fix: `Use a whole number from 1 to ${MAX_PORT}; 500 and 4500 are usual.`,
  });
}

/** Every site that a topology names, with where it does. */
function namedSites(topology: IntentTopology | undefined): readonly (readonly [pointer: string, siteId: string])[] {
  const listed = (pointer: string, siteIds: readonly string[]) =>
    siteIds.map((siteId, index) => [`${pointer}/${index}`, siteId] as const);
  switch (topology?.kind) {
    case undefined:
    case 'full_mesh':
      return [];
    case 'hub_and_spoke':
      return [
        ...listed('/topology/hubSiteIds', topology.hubSiteIds),
        ...(topology.homes ?? []).flatMap(({ siteId, hubSiteId }, index) => [
          [`/topology/homes/${index}/siteId`, siteId] as const,
          [`/topology/homes/${index}/hubSiteId`, hubSiteId] as const,
        ]),
      ];
    case 'partial_mesh':
      return topology.meshes.flatMap((siteIds, index) => listed(`/topology/meshes/${index}`, siteIds));
    case 'custom_links':
      return [
        ...topology.links.flatMap(({ siteIds }, index) => listed(`/topology/links/${index}/siteIds`, siteIds)),
        ...listed('/topology/relaySiteIds', topology.relaySiteIds),
      ];
  }
}

function reportUnknownSite(
  pointer: string,
  siteId: string,
  siteIds: ReadonlySet<string>,
  problems: CompileProblem[],
): void {
  if (siteIds.has(siteId)) return;
  problems.push({
    pointer,
    rule: 'unknown_site',
    detail: `The site ${siteId} does not exist.`,
    fix: 'Name an existing site, or remove it here.',
  });
}

const MAX_PORT = 65_535;
