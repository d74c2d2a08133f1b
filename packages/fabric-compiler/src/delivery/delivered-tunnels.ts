import type { BundleIke, BundleKeying, BundleTunnel, BundleTunnelGroup, PlacedTunnel } from '../bundle.js';
import type { TopologyEdge } from '../edges.js';
import type { ExternalTunnel } from '../external-tunnels.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import { tunnelGroupIdOf, tunnelIdOf } from '../identifiers.js';
import type { FabricIntent, IntentProfile } from '../intent.js';
import { compareText } from '../order.js';
import { RELAYED_KEY_LIFETIMES } from '../profile.js';
import type { Topology } from '../topology.js';
import type { Trap } from '../tunnel-starts.js';
import type { AddressLists } from './address-lists.js';

/** A peer, and what its tunnels are made with. */
export interface DeliveredPeer {
  readonly peer: PeerEntry;
  readonly profile: IntentProfile;
  /** Undefined: tunnels start at once, or when a remote host begins. */
  readonly trap: Trap | undefined;
}

/** What tunnels are made from. */
export interface TunnelContext {
  readonly intent: FabricIntent;
  readonly topology: Topology;
  readonly lists: AddressLists;
  /** By number of the peer among the owners. */
  readonly external: ReadonlyMap<number, ExternalTunnel>;
}

export interface DeliveredTunnels {
  /** By tunnel id. */
  readonly tunnels: readonly BundleTunnel[];
  /** By group id. */
  readonly tunnelGroups: readonly BundleTunnelGroup[];
}

/** The tunnels of one edge: with an external peer one, and with every edge of a site of ours one, in a group where there are several. */
export function deliveredTunnels(
  edge: TopologyEdge,
  peers: readonly DeliveredPeer[],
  context: TunnelContext,
): DeliveredTunnels {
  const tunnels: BundleTunnel[] = [];
  const tunnelGroups: BundleTunnelGroup[] = [];
  for (const delivered of peers) {
    const carries = context.lists.inFamilies(delivered.peer.carries);
    const external = context.external.get(delivered.peer.owner);
    if (external !== undefined) {
      tunnels.push({ ...externalTunnel(external, delivered), carries });
      continue;
    }
    const there = context.topology.served[delivered.peer.owner];
    if (there === undefined) throw new Error(`${delivered.peer.name} is no edge, and no external peer`);
    const keying = keyingOf(context.intent, delivered.profile.ike, delivered.trap);
    const profile = delivered.profile.esp;
    const tunnelIds = there.edges.map((peer) => tunnelIdBetween(edge, peer));
    const [only, ...others] = tunnelIds;
    if (only !== undefined && others.length === 0)
      tunnels.push(tunnelWith(only, there.edge, { keying, profile, carries }));
    else {
      for (const [index, peer] of there.edges.entries())
        tunnels.push(tunnelWith(tunnelIds[index] ?? '', peer, { keying, profile }));
      tunnelGroups.push({ groupId: tunnelGroupIdOf(edge.edgeId, there.siteId), tunnelIds, carries, ...REDUNDANCY });
    }
  }
  return {
    tunnels: tunnels.sort((left, right) => compareText(left.tunnelId, right.tunnelId)),
    tunnelGroups: tunnelGroups.sort((left, right) => compareText(left.groupId, right.groupId)),
  };
}

/** There are a million in a mesh of a thousand: none begins with a spread that it adds to, which would give it a hidden class of its own. */
function tunnelWith(
  tunnelId: string,
  { edgeId: peerEdgeId, name: peerName, underlay: remote, otherUnderlays }: TopologyEdge,
  { keying, profile, carries }: Pick<BundleTunnel, 'keying' | 'profile' | 'carries'>,
): PlacedTunnel {
  return {
    tunnelId,
    peerEdgeId,
    peerName,
    remote,
    ...(otherUnderlays.length === 0 ? {} : { otherRemotes: otherUnderlays }),
    keying,
    profile,
    ...(carries === undefined ? {} : { carries }),
  };
}

/** Both ends ask, and after every edit again, and a name costs a hash. */
function tunnelIdBetween(one: TopologyEdge, other: TopologyEdge): string {
  const [first, second] = one.edgeId < other.edgeId ? [one, other] : [other, one];
  const ofFirst = between.get(first) ?? new Map<TopologyEdge, string>();
  between.set(first, ofFirst);
  const known = ofFirst.get(second) ?? tunnelIdOf(first.edgeId, second.edgeId);
  ofFirst.set(second, known);
  return known;
}

/** Negotiated always. */
function externalTunnel({ tunnel }: ExternalTunnel, { profile, trap }: DeliveredPeer): BundleTunnel {
  return { ...tunnel, keying: negotiated(profile.ike, trap), profile: profile.esp };
}

function keyingOf(intent: FabricIntent, ike: BundleIke, trap: Trap | undefined): BundleKeying {
  const mode = intent.keyingMode ?? 'ike-less';
  switch (mode) {
    case 'ikev2':
      return negotiated(ike, trap);
    case 'controller-blind':
      return { mode, lifetimes: RELAYED_KEY_LIFETIMES };
    case 'ike-less':
      return { mode };
  }
}

/** Most tunnels are negotiated alike, and say so with one object. */
function negotiated(ike: BundleIke, trap: Trap | undefined): BundleKeying {
  if (trap === undefined) {
    const known = atOnce.get(ike) ?? { mode: 'ikev2', ike };
    atOnce.set(ike, known);
    return known;
  }
  const { kind: _, ...idle } = trap;
  return { mode: 'ikev2', ike, trap: idle };
}

/**
 * A peer is held for dead two seconds after its last sign of life at the latest, and preferred again when it has been there for
 * half a minute: longer than a machine takes that restarts once more because it came up badly.
 */
const REDUNDANCY = { probeIntervalMilliseconds: 500, missedProbes: 3, holdDownSeconds: 30 } as const;
/** By edge, which each plan of a fabric has anew. */
const between = new WeakMap<TopologyEdge, Map<TopologyEdge, string>>();
const atOnce = new WeakMap<BundleIke, BundleKeying>();
