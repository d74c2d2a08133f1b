import { byAddress } from './address/prefix.js';
import { reportUnfitForAh } from './authentication-header.js';
import type { BundleIke, BundleKeying, BundleTunnel, EdgeBundle, FabricTunnel } from './bundle.js';
import type { TopologyEdge } from './edges.js';
import { type Expansion, expandRules, type TunnelEnds } from './expansion.js';
import { externalTunnels } from './external-tunnels.js';
import { findPaths, type Paths } from './fabric/paths.js';
import type { FabricIntent, KeyingMode } from './intent.js';
import { compareText } from './order.js';
import { deviceMtu } from './overlay-mtu.js';
import { PairScope } from './pair-scope.js';
import type { CompileProblem } from './problem.js';
import { offeredTo, RELAYED_KEY_LIFETIMES } from './profile.js';
import { checkReferences } from './references.js';
import { resolveRules, ruleContext } from './rules.js';
import { checkTopology, poolPrefixes, routedPrefixes, type Topology } from './topology.js';
import { reportUnfitForTransport } from './transport-mode.js';
import { reportUnfitProfiles, TunnelProfiles } from './tunnel-profiles.js';
import { reportUnfitStarts, type Trap, TunnelStarts } from './tunnel-starts.js';
import { pathWatchOf, reportUnfitUplinks } from './uplinks.js';

export type CompileResult =
  | {
      readonly ok: true;
      /** By edge id; one for every edge of the intent, or of those that were asked for. */
      readonly bundles: ReadonlyMap<string, EdgeBundle>;
      /** By tunnel id; those that a bundle above has. */
      readonly tunnels: readonly FabricTunnel[];
    }
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

/**
 * Compiles a tenant's intent into one bundle per edge, or says everything that is wrong with it.
 * Pure and deterministic: the same intent gives the same bundles, whatever the order of its unordered collections.
 *
 * @param edgeIds only the bundles of these edges, which are what they are in all; what is wrong with others may go unsaid then.
 */
export function compileFabric(intent: FabricIntent, edgeIds?: ReadonlySet<string>): CompileResult {
  const problems: CompileProblem[] = [];
  const topology = checkTopology(intent, problems);
  checkReferences(intent, problems);
  reportUnfitForAh(intent, topology, problems);
  reportUnfitForTransport(intent, topology, problems);
  reportUnfitUplinks(intent, problems);
  reportUnfitProfiles(intent, problems);
  reportUnfitStarts(intent, problems);
  const rules = resolveRules(intent, ruleContext(intent, topology), problems);
  if (problems.length > 0) return { ok: false, problems };
  const peers = externalTunnels(intent, topology, rules, problems);
  const [profiles, starts] = [new TunnelProfiles(intent, problems), new TunnelStarts(intent)];
  const paths = pathsBetweenSites(intent, topology);
  const through = edgeIds === undefined ? undefined : sitesOf(topology, edgeIds);
  const scope = new PairScope(through, topology.served.length, paths);
  const expansion = expandRules(rules, { topology, peers, paths, scope, profiles, starts }, problems);
  reportUnreachablePeers(expansion, problems);
  if (problems.length > 0) return { ok: false, problems };
  const bundles = buildBundles(topology, expansion, { intent, profiles, starts, through }, problems);
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    bundles,
    tunnels: [...expansion.tunnels.values()].map((tunnel) => fabricTunnel(tunnel, intent, profiles)).sort(byTunnelId),
  };
}

function sitesOf({ served }: Topology, edgeIds: ReadonlySet<string>): ReadonlySet<number> {
  return new Set(
    served.flatMap(({ edges }, owner) => (edges.some(({ edgeId }) => edgeIds.has(edgeId)) ? [owner] : [])),
  );
}

/** In a full mesh no site needs another one to reach a third, whatever external peers do: nothing has to be searched. */
function pathsBetweenSites(intent: FabricIntent, topology: Topology): Paths {
  if (intent.topology === undefined || intent.topology.kind === 'full_mesh') {
    return { kind: 'direct', edgeCount: topology.served.length };
  }
  return findPaths(intent.topology, topology);
}

function reportUnreachablePeers(expansion: Expansion, problems: CompileProblem[]): void {
  for (const { ends } of [...expansion.tunnels.values()].sort(byTunnelId)) {
    const [one, other] = ends;
    if (one.underlayFamily === other.underlayFamily) continue;
    problems.push({
      pointer: `${other.pointer}/underlayAddress`,
      rule: 'underlay_family_mismatch',
      detail: `The edges "${one.name}" (${one.underlay.address}) and "${other.name}" (${other.underlay.address}) cannot reach each other: their underlay addresses are of different IP versions.`,
      fix: 'Give both edges underlay addresses of the same IP version, or do not protect traffic between their sites.',
    });
  }
}

/** What tunnels are made from. */
interface Choices {
  readonly intent: FabricIntent;
  readonly profiles: TunnelProfiles;
  readonly starts: TunnelStarts;
  /** Numbers of the sites whose edges have a bundle; undefined: all. */
  readonly through: ReadonlySet<number> | undefined;
}

function buildBundles(
  topology: Topology,
  expansion: Expansion,
  { intent, profiles, starts, through }: Choices,
  problems: CompileProblem[],
): Map<string, EdgeBundle> {
  const tunnelsByEdge = new Map<string, BundleTunnel[]>(
    topology.served.flatMap(({ edges }) => edges.map(({ edgeId }) => [edgeId, []] as const)),
  );
  const alternatives = alternativesIn(expansion);
  for (const tunnel of expansion.tunnels.values()) {
    const [one, other] = tunnel.ends;
    const { esp, ike } = profiles.of(tunnel.tunnelId);
    const common = {
      keying: keyingOf(intent, ike, starts.trapOf(tunnel.tunnelId, alternatives)),
      profile: esp,
    };
    tunnelsByEdge.get(one.edgeId)?.push(bundleTunnel(tunnel, other, common));
    tunnelsByEdge.get(other.edgeId)?.push(bundleTunnel(tunnel, one, common));
  }
  for (const { edge, owner, tunnel } of expansion.external) {
    const { esp, ike } = offeredTo(owner, profiles.of(tunnel.tunnelId), intent);
    // A remote host is waited for, whatever a rule says.
    const trap = tunnel.remote === undefined ? undefined : starts.trapOf(tunnel.tunnelId, alternatives);
    const keying = negotiated(ike, trap);
    tunnelsByEdge.get(edge.edgeId)?.push({ ...tunnel, keying, profile: esp });
  }
  // Also those behind external peers and those of pools: what is for them never leaves in the clear, wherever it comes from.
  const prefixes = [
    ...topology.owners.flatMap((owner) => routedPrefixes(owner).map((prefix) => ({ siteId: owner.siteId, prefix }))),
    ...poolPrefixes(topology).map((prefix) => ({ siteId: undefined, prefix })),
  ].sort((left, right) => byAddress(left.prefix, right.prefix));
  const bundles = new Map<string, EdgeBundle>();
  const sites = topology.served.filter((_, owner) => through === undefined || through.has(owner));
  for (const [site, edge] of sites.flatMap((site) => site.edges.map((edge) => [site, edge] as const))) {
    const tunnels = [...(tunnelsByEdge.get(edge.edgeId) ?? [])].sort(byTunnelId);
    const bundle: EdgeBundle = {
      tenantId: intent.tenantId,
      edgeId: edge.edgeId,
      device: { mtu: deviceMtu(edge.outerFamily, intent) },
      underlay: edge.underlay,
      ...uplinksOf(edge, tunnels),
      tunnels,
      securityPolicies: expansion.entries.get(edge.edgeId) ?? [],
      routes: prefixes.filter(({ siteId }) => siteId !== site.siteId).map(({ prefix }) => prefix.text),
      localNetworks: site.prefixes.map((prefix) => prefix.text),
      networkMappings: site.mappings,
      tunnelGroups: [...(expansion.groups.get(edge.edgeId) ?? [])]
        .map(([groupId, tunnelIds]) => ({ groupId, tunnelIds, ...REDUNDANCY }))
        .sort((left, right) => compareText(left.groupId, right.groupId)),
    };
    reportLimits(edge, bundle, problems);
    bundles.set(edge.edgeId, bundle);
  }
  return bundles;
}

function uplinksOf(
  { otherUnderlays }: TopologyEdge,
  tunnels: readonly BundleTunnel[],
): Pick<EdgeBundle, 'otherUnderlays' | 'pathWatch'> {
  const own = otherUnderlays.length === 0 ? {} : { otherUnderlays };
  const pathWatch = pathWatchOf({ ...own, tunnels });
  return { ...own, ...(pathWatch === undefined ? {} : { pathWatch }) };
}

function reportLimits({ pointer, name }: TopologyEdge, bundle: EdgeBundle, problems: CompileProblem[]): void {
  if (bundle.tunnels.length > MAX_TUNNELS) {
    problems.push({
      pointer,
      rule: 'too_many_tunnels',
      detail: `The edge "${name}" would need ${bundle.tunnels.length} tunnels; an edge accepts ${MAX_TUNNELS}.`,
      fix: 'Let fewer sites talk to the site of this edge.',
    });
  }
  if (bundle.routes.length > MAX_ROUTES) {
    problems.push({
      pointer,
      rule: 'too_many_routes',
      detail: `The edge "${name}" would need ${bundle.routes.length} routes; an edge accepts ${MAX_ROUTES}.`,
      fix: 'Join networks of the other sites into fewer, wider prefixes.',
    });
  }
  if (bundle.networkMappings.length > MAX_MAPPINGS) {
    problems.push({
      pointer,
      rule: 'too_many_mappings',
      detail: `The edge "${name}" would need ${bundle.networkMappings.length} mapped networks; an edge accepts ${MAX_MAPPINGS}.`,
      fix: 'Join networks of its site into fewer, wider prefixes.',
    });
  }
}

/** As either of the edges sees it whose site has several at the other end, or at its own. */
function alternativesIn({ groups }: Expansion): ReadonlySet<string> {
  return new Set([...groups.values()].flatMap((ofEdge) => [...ofEdge.values()].flat()));
}

function bundleTunnel(
  { tunnelId }: TunnelEnds,
  peer: TopologyEdge,
  common: Pick<BundleTunnel, 'keying' | 'profile'>,
): BundleTunnel {
  const { edgeId: peerEdgeId, name: peerName, underlay: remote, otherUnderlays } = peer;
  const others = otherUnderlays.length === 0 ? {} : { otherRemotes: otherUnderlays };
  return { tunnelId, peerEdgeId, peerName, remote, ...others, ...common };
}

function fabricTunnel({ tunnelId, ends }: TunnelEnds, intent: FabricIntent, profiles: TunnelProfiles): FabricTunnel {
  const keyingMode = keyingModeOf(intent);
  return { tunnelId, edgeIds: [ends[0].edgeId, ends[1].edgeId], keyingMode, profile: profiles.of(tunnelId).esp };
}

function keyingOf(intent: FabricIntent, ike: BundleIke, trap: Trap | undefined): BundleKeying {
  const mode = keyingModeOf(intent);
  switch (mode) {
    case 'ikev2':
      return negotiated(ike, trap);
    case 'controller-blind':
      return { mode, lifetimes: RELAYED_KEY_LIFETIMES };
    case 'ike-less':
      return { mode };
  }
}

function negotiated(ike: BundleIke, trap: Trap | undefined): BundleKeying {
  if (trap === undefined) return { mode: 'ikev2', ike };
  const { kind: _, ...idle } = trap;
  return { mode: 'ikev2', ike, trap: idle };
}

function keyingModeOf({ keyingMode }: FabricIntent): KeyingMode {
  return keyingMode ?? 'ike-less';
}

function byTunnelId(left: { readonly tunnelId: string }, right: { readonly tunnelId: string }): number {
  return compareText(left.tunnelId, right.tunnelId);
}

/**
 * A peer is held for dead two seconds after its last sign of life at the latest, and preferred again when it has been there for
 * half a minute: longer than a machine takes that restarts once more because it came up badly.
 */
const REDUNDANCY = { probeIntervalMilliseconds: 500, missedProbes: 3, holdDownSeconds: 30 } as const;

/** What an edge accepts in one bundle. */
const MAX_TUNNELS = 4096;
const MAX_ROUTES = 65_536;
const MAX_MAPPINGS = 256;
