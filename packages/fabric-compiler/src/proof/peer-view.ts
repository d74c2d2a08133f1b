import { ownersIn } from '../address/address-set.js';
import { type Bitset, emptyBits, membersOf, setBit } from '../bitset.js';
import type { PeerEntry, PeerSection } from '../fabric/peer-section.js';
import { peersOf, type SharedBundle } from '../fabric/shared-bundle.js';

/** Whom an edge reaches with a profile, and through which peer. */
export interface PeerView {
  readonly peers: readonly PeerEntry[];
  /** By profile: owners whose packets some peer with this profile carries. */
  readonly reached: ReadonlyMap<string, Bitset>;
  /** By owner: position in `peers`, or -1. */
  readonly carrier: Int32Array;
  /** Every peer carries its own site and nothing else. */
  readonly direct: boolean;
  /** An owner whom several peers carry. */
  readonly ambiguous: number | undefined;
}

/** Reads the peers of a bundle, once for the same list of sections. */
export function peerView(bundle: Pick<SharedBundle, 'peers'>): PeerView {
  const known = views.get(bundle.peers);
  if (known !== undefined) return known;
  const view = readPeers(peersOf(bundle));
  views.set(bundle.peers, view);
  return view;
}

/** The peer that carries the addresses of an owner. */
export function peerFor({ peers, carrier }: PeerView, owner: number): PeerEntry | undefined {
  return peers[carrier[owner] ?? -1];
}

function readPeers(peers: readonly PeerEntry[]): PeerView {
  const size = 32 * (peers[0]?.carries.present[4].length ?? 0);
  const reached = new Map<string, Bitset>();
  const carrier = new Int32Array(size).fill(-1);
  let direct = true;
  let ambiguous: number | undefined;
  for (const [position, peer] of peers.entries()) {
    const { only } = peer.carries;
    direct &&= only === peer.owner;
    for (const owner of only === undefined ? membersOf(ownersIn(peer.carries)) : [only]) {
      if ((carrier[owner] ?? -1) >= 0) ambiguous ??= owner;
      else carrier[owner] = position;
      for (const { id } of peer.profiles) {
        let all = reached.get(id);
        if (all === undefined) {
          all = emptyBits(size);
          reached.set(id, all);
        }
        setBit(all, owner);
      }
    }
  }
  return { peers, reached, carrier, direct, ambiguous };
}

const views = new WeakMap<readonly PeerSection[], PeerView>();
