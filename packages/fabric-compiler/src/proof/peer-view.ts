import { ownersIn } from '../address/address-set.js';
import { addBits, type Bitset, bitsMeet, emptyBits, membersOf } from '../bitset.js';
import type { PeerEntry, PeerSection } from '../fabric/peer-section.js';
import { peersOf, type SharedBundle } from '../fabric/shared-bundle.js';

/** Whom an edge reaches with a profile, and through which peer. */
export interface PeerView {
  /** By profile: owners whose packets some peer with this profile carries. */
  readonly reached: ReadonlyMap<string, Bitset>;
  /** Every peer carries its own site and nothing else. */
  readonly direct: boolean;
  /** Several peers carry the same owner. */
  readonly ambiguous: boolean;
}

/** Reads the peers of a bundle, once for the same list of sections. */
export function peerView({ peers }: Pick<SharedBundle, 'peers'>): PeerView {
  const known = views.get(peers);
  if (known !== undefined) return known;
  const view = joined(peers.map(sectionView));
  views.set(peers, view);
  return view;
}

/** The peer that carries the addresses of an owner: the first, where there are several. */
export function peerFor({ peers }: Pick<SharedBundle, 'peers'>, owner: number): PeerEntry | undefined {
  let carriers = byOwner.get(peers);
  if (carriers === undefined) {
    carriers = new Map();
    for (const peer of peersOf({ peers })) {
      for (const carried of membersOf(ownersIn(peer.carries))) {
        if (!carriers.has(carried)) carriers.set(carried, peer);
      }
    }
    byOwner.set(peers, carriers);
  }
  return carriers.get(owner);
}

/** The peer that is this owner, whatever it carries: a relay may carry others and nothing of its own. */
export function peerAt({ peers }: Pick<SharedBundle, 'peers'>, owner: number): PeerEntry | undefined {
  let known = byPeer.get(peers);
  if (known === undefined) {
    known = new Map(peersOf({ peers }).map((peer) => [peer.owner, peer]));
    byPeer.set(peers, known);
  }
  return known.get(owner);
}

interface SectionView extends PeerView {
  /** Owners whom any peer of the section carries. */
  readonly owners: Bitset;
}

/** Sections are shared by most edges, so that reading the peers of an edge is joining what is known. */
function sectionView(section: PeerSection): SectionView {
  const known = ofSections.get(section);
  if (known !== undefined) return known;
  const size = 32 * (section.peers[0]?.carries.present[4].length ?? 0);
  const owners = emptyBits(size);
  const reached = new Map<string, Bitset>();
  let ambiguous = false;
  for (const { carries, profiles } of section.peers) {
    const carried = ownersIn(carries);
    ambiguous ||= bitsMeet(owners, carried);
    addBits(owners, carried);
    for (const { id } of profiles) addReached(reached, id, carried);
  }
  const direct = section.peers.every((peer) => peer.carries.only === peer.owner);
  const view = { owners, reached, ambiguous, direct };
  ofSections.set(section, view);
  return view;
}

function joined(sections: readonly SectionView[]): PeerView {
  const size = Math.max(0, ...sections.map(({ owners }) => 32 * owners.length));
  const all = emptyBits(size);
  const reached = new Map<string, Bitset>();
  let ambiguous = false;
  for (const section of sections) {
    ambiguous ||= section.ambiguous || bitsMeet(section.owners, all);
    addBits(all, section.owners);
    for (const [profileId, owners] of section.reached) addReached(reached, profileId, owners);
  }
  return { reached, ambiguous, direct: sections.every(({ direct }) => direct) };
}

function addReached(reached: Map<string, Bitset>, profileId: string, owners: Bitset): void {
  const known = reached.get(profileId);
  if (known === undefined) reached.set(profileId, owners.slice());
  else addBits(known, owners);
}

const views = new WeakMap<readonly PeerSection[], PeerView>();
const ofSections = new WeakMap<PeerSection, SectionView>();
const byPeer = new WeakMap<readonly PeerSection[], ReadonlyMap<number, PeerEntry>>();
const byOwner = new WeakMap<readonly PeerSection[], Map<number, PeerEntry>>();
