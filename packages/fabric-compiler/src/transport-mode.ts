import { parsePrefixText } from './address/prefix.js';
import type { FabricIntent } from './intent.js';
import type { CompileProblem } from './problem.js';
import type { ServedSite, Topology } from './topology.js';

/** The one prefix that a host is in transport mode: its underlay address, in canonical text, and nothing else. */
export function hostPrefix(underlayAddress: string): string {
  return `${underlayAddress}/${underlayAddress.includes(':') ? 128 : 32}`;
}

/**
 * Reports where transport mode cannot be: it is from host to host, so that nothing but their underlay addresses is protected, and
 * nobody passes it on. It passes no NAT, which only edges that negotiate notice (RFC 7296 section 2.23.1).
 */
export function reportUnfitForTransport(intent: FabricIntent, { served }: Topology, problems: CompileProblem[]): void {
  if (intent.mode !== 'transport') return;
  if ((intent.keyingMode ?? 'ike-less') !== 'ikev2') {
    problems.push({
      pointer: '/keyingMode',
      rule: 'transport_without_negotiation',
      detail: 'Transport mode passes no NAT, and where edges do not negotiate nobody looks for one.',
      fix: 'Let the edges negotiate (ikev2), or choose tunnel mode.',
    });
  }
  reportRelays(intent, problems);
  reportExternalPeers(intent, problems);
  for (const site of served) reportSeveralEdges(site, problems);
  reportOtherAddresses(intent, served, problems);
}

/** What a relay passes on has other addresses than its own. */
function reportRelays({ topology }: FabricIntent, problems: CompileProblem[]): void {
  const relays =
    topology?.kind === 'hub_and_spoke' || (topology?.kind === 'custom_links' && topology.relaySiteIds.length > 0);
  if (!relays) return;
  problems.push({
    pointer: '/topology',
    rule: 'transport_through_relay',
    detail:
      'In transport mode a packet goes to the host that it is for, and the topology has sites that pass packets on.',
    fix: 'Use a full or partial mesh, or choose tunnel mode.',
  });
}

/** Its traffic selectors are networks behind it. */
function reportExternalPeers({ externalPeers = [] }: FabricIntent, problems: CompileProblem[]): void {
  for (const [index, { name }] of externalPeers.entries()) {
    problems.push({
      pointer: `/externalPeers/${index}`,
      rule: 'transport_to_external_peer',
      detail: `The external peer "${name}" is a gateway for networks behind it, and transport mode is between hosts of ours.`,
      fix: 'Remove the external peer, or choose tunnel mode.',
    });
  }
}

function reportSeveralEdges({ name, edges }: ServedSite, problems: CompileProblem[]): void {
  const [, second] = edges;
  if (second === undefined) return;
  problems.push({
    pointer: second.pointer,
    rule: 'transport_with_several_edges',
    detail: `The site "${name}" has ${edges.length} edges, and in transport mode each host is reached at its own address alone.`,
    fix: 'Give each host a site of its own, or choose tunnel mode.',
  });
}

/** Whatever a site with an edge has in the fabric beside the address of its host. */
function reportOtherAddresses(
  { networks, addressPools = [] }: FabricIntent,
  served: readonly ServedSite[],
  problems: CompileProblem[],
): void {
  const hosts = new Map(served.map(({ siteId, edge }) => [siteId, edge]));
  const beyond = [
    ...networks.map(({ siteId, name, prefix, mappedPrefix }, index) => ({
      siteId,
      name,
      prefix: mappedPrefix ?? prefix,
      pointer: `/networks/${index}/${mappedPrefix === undefined ? 'prefix' : 'mappedPrefix'}`,
      isHost: (own: string) => mappedPrefix === undefined && canonical(prefix) === own,
    })),
    // Remote users have other addresses than the host.
    ...addressPools.map((pool, index) => ({ ...pool, pointer: `/addressPools/${index}/prefix`, isHost: () => false })),
  ];
  for (const { siteId, name, prefix, pointer, isHost } of beyond) {
    const edge = hosts.get(siteId);
    if (edge === undefined) continue;
    const own = hostPrefix(edge.underlay.address);
    if (isHost(own)) continue;
    problems.push({
      pointer,
      rule: 'transport_beyond_host',
      detail: `${prefix} ("${name}") is not the underlay address of the edge "${edge.name}", and in transport mode nothing else of its site can be protected.`,
      fix: `Have the site hold ${own} and nothing else, or choose tunnel mode.`,
    });
  }
}

function canonical(text: string): string | undefined {
  const parsed = parsePrefixText(text);
  return parsed.ok ? parsed.prefix.text : undefined;
}
