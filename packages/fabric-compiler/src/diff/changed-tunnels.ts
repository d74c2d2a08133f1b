import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import { peersOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { IntentProfile } from '../intent.js';
import { compareText } from '../order.js';
import { sameValue } from '../same-value.js';

/** A tunnel that comes, goes or is made anew when one revision follows another. */
export interface TunnelChange {
  readonly change: 'added' | 'removed' | 'changed';
  /** Edges of ours, or an external peer; sorted. */
  readonly ends: readonly [string, string];
  readonly profileId: string;
}

/** Compares the tunnels of two revisions: who has them with whom, where, and with which parameters. In order of their ends. */
export function changedTunnels(before: CompiledFabric | undefined, after: CompiledFabric): readonly TunnelChange[] {
  const unchanged = unchangedEdges(before, after);
  const [old, now] = [
    before === undefined ? new Map<string, Tunnel>() : tunnelsOf(before, unchanged),
    tunnelsOf(after, unchanged),
  ];
  const changes: TunnelChange[] = [];
  for (const [key, tunnel] of now) {
    const was = old.get(key);
    const change = was === undefined ? 'added' : sameTunnel(was, tunnel) ? undefined : 'changed';
    if (change !== undefined) changes.push({ change, ends: tunnel.ends, profileId: tunnel.profile.id });
  }
  for (const [key, { ends, profile }] of old) {
    if (!now.has(key)) changes.push({ change: 'removed', ends, profileId: profile.id });
  }
  const ordered = changes.map((change) => ({ change, key: keyOf(change.ends, change.profileId) }));
  return ordered.sort((left, right) => compareText(left.key, right.key)).map(({ change }) => change);
}

/** A tunnel as one of its ends has it. */
interface Tunnel {
  readonly ends: readonly [string, string];
  readonly bundle: SharedBundle;
  readonly peer: PeerEntry;
  readonly profile: IntentProfile;
}

/** Edges that are what they were, with the peers that they had. A tunnel that is another one is so at an edge that is not. */
function unchangedEdges(before: CompiledFabric | undefined, after: CompiledFabric): ReadonlySet<string> {
  const old = new Map((before?.bundles ?? []).map((bundle) => [bundle.edgeId, bundle]));
  return new Set(
    after.bundles.flatMap((bundle) => {
      const was = old.get(bundle.edgeId);
      return was !== undefined && sameEdge(was, bundle) ? [bundle.edgeId] : [];
    }),
  );
}

function sameEdge(one: SharedBundle, other: SharedBundle): boolean {
  return (
    one.keyingMode === other.keyingMode &&
    samePeers(one, other) &&
    sameValue(endOf(one), endOf(other)) &&
    sameValue(one.standbys, other.standbys)
  );
}

function samePeers(one: SharedBundle, other: SharedBundle): boolean {
  if (one.peers === other.peers) return true;
  if (one.peers.length !== other.peers.length) return false;
  return one.peers.every(({ digest }, index) => {
    const against = other.peers[index]?.digest;
    return digest === against || digest.every((octet, place) => octet === against?.[place]);
  });
}

function tunnelsOf({ bundles }: CompiledFabric, without: ReadonlySet<string>): Map<string, Tunnel> {
  const tunnels = new Map<string, Tunnel>();
  for (const bundle of bundles) {
    if (without.has(bundle.edgeId)) continue;
    for (const [here, peer] of peersOf(bundle).flatMap((peer) => endPairs(bundle, peer))) {
      const ends: readonly [string, string] =
        compareText(here.edgeId, peer.peerId) < 0 ? [here.edgeId, peer.peerId] : [peer.peerId, here.edgeId];
      for (const profile of peer.profiles) tunnels.set(keyOf(ends, profile.id), { ends, bundle: here, peer, profile });
    }
  }
  return tunnels;
}

/** Every edge of the one site with every edge of the other. */
function endPairs(bundle: SharedBundle, peer: PeerEntry): readonly (readonly [SharedBundle, PeerEntry])[] {
  const here = [bundle, ...bundle.standbys.map((standby) => ({ ...bundle, ...standby }))];
  const there = [peer, ...peer.standbys.map((standby) => ({ ...peer, ...standby }))];
  return here.flatMap((one) => there.map((other) => [one, other] as const));
}

/** Whatever two ends agree on; another value means another tunnel under the same name. Either end may have been looked at. */
function sameTunnel(one: Tunnel, other: Tunnel): boolean {
  return (
    one.bundle.keyingMode === other.bundle.keyingMode &&
    sameValue(one.profile, other.profile) &&
    sameValue(bothEnds(one), bothEnds(other))
  );
}

function bothEnds({ bundle, peer }: Tunnel) {
  const { peerId, remote, identity, authentication, access } = peer;
  return Object.fromEntries(
    [endOf(bundle), { id: peerId, address: remote, identity, authentication, access }].map((end) => [end.id, end]),
  );
}

/** What the tunnels of an edge have of it. */
function endOf({ edgeId, underlay, identity, authentication }: SharedBundle) {
  return { id: edgeId, address: underlay, identity, authentication };
}

function keyOf(ends: readonly [string, string], profileId: string): string {
  return `${ends.join('/')}/${profileId}`;
}
