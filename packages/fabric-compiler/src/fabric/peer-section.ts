import { type AddressSet, wholeOwners } from '../address/address-set.js';
import { type Bitset, emptyBits, membersOf, setBit } from '../bitset.js';
import type { BundleEndpoint, BundleRemoteAccess } from '../bundle.js';
import type { FabricIntent, IntentProfile, PeerAuthenticationMethod } from '../intent.js';
import { offeredTo } from '../profile.js';
import type { Owner, ServedSite, Topology } from '../topology.js';
import { OctetWriter } from './octet-writer.js';
import { digestOfSet } from './spd-entry.js';

/** One PAD entry (RFC 4301 section 4.4.3) and the tunnels with that peer, as every edge has it that has this peer. */
export interface PeerEntry {
  /** Number of the peer among the owners. */
  readonly owner: number;
  readonly peerId: string;
  readonly name: string;
  /** Where it is; undefined: a remote host, which comes from anywhere. */
  readonly remote: BundleEndpoint | undefined;
  /** Of its other uplinks, in order of preference. */
  readonly otherRemotes: readonly BundleEndpoint[];
  /** What the peer must prove to be. */
  readonly identity: string;
  readonly authentication: PeerAuthenticationMethod;
  /** What a remote host is assigned. */
  readonly access: BundleRemoteAccess | undefined;
  /** The other edges of its site, preferred first: whatever goes to the peer may go to any of them, and come from it. */
  readonly standbys: readonly StandbyPeer[];
  /** One tunnel each, by profile id. */
  readonly profiles: readonly IntentProfile[];
  /** Whose packets may come from this peer, and go to it: its own site, and those that it relays for. */
  readonly carries: AddressSet;
}

/** Another edge of a peer's site. */
export type StandbyPeer = Pick<PeerEntry, 'peerId' | 'name' | 'otherRemotes' | 'identity'> & {
  readonly remote: BundleEndpoint;
};

/** The peers of an edge among 32 owners that follow each other. Edges with the same ones share it. */
export interface PeerSection {
  readonly peers: readonly PeerEntry[];
  readonly tunnelCount: number;
  readonly digest: Uint8Array;
}

/** What an edge needs one peer for. */
export interface PeerUse {
  readonly profileIds: readonly string[];
  /** Destinations, by number of the owner. */
  readonly carries: Bitset;
}

/** Makes peer sections, each once. */
export class PeerSections {
  readonly #topology: Topology;
  readonly #intent: FabricIntent;
  readonly #profiles: ReadonlyMap<string, IntentProfile>;
  readonly #entries = new Map<string, PeerEntry>();
  readonly #sections = new Map<string, PeerSection>();

  constructor(topology: Topology, intent: FabricIntent, profiles: ReadonlyMap<string, IntentProfile>) {
    this.#topology = topology;
    this.#intent = intent;
    this.#profiles = profiles;
  }

  /** In a full mesh a peer is who is reached: one bit each, and edges that differ in one bit share all other sections. */
  ofFullMesh(edge: number, reaches: ReadonlyMap<string, Bitset>, edges: Bitset): readonly PeerSection[] {
    const profileIds = [...reaches.keys()].sort();
    const wanted = profileIds.map((id) => reaches.get(id) ?? edges);
    return Array.from(edges, (present, word) => {
      const own = edge >>> 5 === word ? 1 << (edge & 31) : 0;
      const words = wanted.map((bits) => (bits[word] ?? 0) & present & ~own);
      const key = `${word}/${words.map((bits, index) => (bits === 0 ? '' : `${profileIds[index]}:${bits}`)).join('/')}`;
      return this.#section(key, () => this.#directPeers(word, profileIds, words));
    });
  }

  /** One section of all peers: ways of other topologies are an edge's own. */
  ofRoutes(uses: ReadonlyMap<number, PeerUse>): readonly PeerSection[] {
    const peers = [...uses]
      .sort(([left], [right]) => left - right)
      .map(([owner, { profileIds, carries }]) => this.#entry(owner, [...profileIds].sort(), carries));
    return [sectionOf(peers)];
  }

  #directPeers(word: number, profileIds: readonly string[], words: readonly number[]): PeerEntry[] {
    const any = Uint32Array.of(words.reduce((all, bits) => all | bits, 0));
    return [...membersOf(any)].map((bit) => {
      const owner = (word << 5) + bit;
      const used = profileIds.filter((_, index) => (((words[index] ?? 0) >>> bit) & 1) === 1);
      const itself = emptyBits(this.#topology.owners.length);
      setBit(itself, owner);
      return this.#entry(owner, used, itself);
    });
  }

  #section(key: string, peers: () => readonly PeerEntry[]): PeerSection {
    let section = this.#sections.get(key);
    if (section === undefined) {
      if (this.#sections.size >= MAX_SECTIONS) this.#sections.clear();
      section = sectionOf(peers());
      this.#sections.set(key, section);
    }
    return section;
  }

  #entry(owner: number, profileIds: readonly string[], carries: Bitset): PeerEntry {
    const key = `${owner}/${profileIds.join()}/${carries.join()}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= MAX_SECTIONS) this.#entries.clear();
      const peer = this.#topology.owners[owner];
      entry = {
        ...describedPeer(peer, this.#intent.tenantId),
        owner,
        profiles: profileIds
          .flatMap((id) => this.#profiles.get(id) ?? [])
          .map((profile) => offeredTo(peer, profile, this.#intent)),
        carries: wholeOwners(carries, this.#topology.ownership),
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }
}

/** The name in the certificate of an edge. */
export function edgeIdentity(tenantId: string, edgeId: string): string {
  return `spiffe://weft.internal/tenant/${tenantId}/edge/${edgeId}`;
}

/** The subject of the certificate of an edge, as RFC 4514 writes it: what a gateway that believes certificates knows it by. */
export function edgeSubject(edgeId: string): string {
  return `CN=${edgeId}`;
}

/** The authority that edges of a tenant have their certificates from, and trust. */
export function tenantAuthority(tenantId: string): string {
  return `weft.internal/tenant/${tenantId}`;
}

/** The edges of a site behind the preferred one, as peers have them. */
export function standbyPeers({ edges: [, ...standbys] }: ServedSite, tenantId: string): readonly StandbyPeer[] {
  return standbys.map(({ edgeId, name, underlay, otherUnderlays }) => ({
    peerId: edgeId,
    name,
    remote: underlay,
    otherRemotes: otherUnderlays,
    identity: edgeIdentity(tenantId, edgeId),
  }));
}

/** How edges of a tenant prove who they are to each other. */
export function edgeAuthentication(tenantId: string): PeerAuthenticationMethod {
  return { kind: 'certificate', authority: tenantAuthority(tenantId), trusts: [tenantAuthority(tenantId)] };
}

function describedPeer(owner: Owner | undefined, tenantId: string) {
  if (owner?.kind === 'edge') {
    const { edgeId, name, underlay, otherUnderlays } = owner.edge;
    const authentication = edgeAuthentication(tenantId);
    const identity = edgeIdentity(tenantId, edgeId);
    return {
      peerId: edgeId,
      name,
      remote: underlay,
      otherRemotes: otherUnderlays,
      identity,
      authentication,
      access: undefined,
      standbys: standbyPeers(owner, tenantId),
    };
  }
  if (owner?.kind === 'external') {
    const { id: peerId, name, identity, authentication } = owner.peer;
    const external = { peerId, name, otherRemotes: [], identity, authentication, standbys: [] };
    if (owner.peer.kind === 'remote_host') return { ...external, remote: undefined, access: owner.access };
    const { address, port } = owner.peer;
    return { ...external, remote: { address, port }, access: undefined };
  }
  throw new Error('nobody can be a peer there: a path ends at an owner without a gateway');
}

function sectionOf(peers: readonly PeerEntry[]): PeerSection {
  const writer = new OctetWriter().number(peers.length);
  for (const peer of peers) writer.digest(digestOfPeer(peer));
  const tunnelCount = peers.reduce((sum, { profiles, standbys }) => sum + profiles.length * (1 + standbys.length), 0);
  return { peers, tunnelCount, digest: writer.hash() };
}

function digestOfPeer(peer: PeerEntry): Uint8Array {
  const known = digests.get(peer);
  if (known !== undefined) return known;
  const writer = new OctetWriter();
  writePeer(writer, peer);
  const digest = writer.hash();
  digests.set(peer, digest);
  return digest;
}

export function writePeer(writer: OctetWriter, peer: PeerEntry): void {
  writer.text(peer.peerId).text(peer.name);
  // No address is empty.
  if (peer.remote === undefined) writer.text('').text(JSON.stringify(peer.access));
  else writer.text(peer.remote.address).number(peer.remote.port);
  writer
    .text(peer.identity)
    .text(JSON.stringify([peer.otherRemotes, peer.authentication, peer.standbys]))
    .digest(digestOfSet(peer.carries));
  writer.number(peer.profiles.length);
  for (const { id, esp, ike } of peer.profiles) writer.text(id).text(JSON.stringify([esp, ike]));
}

/** Of old revisions' sections and entries, remembered between edits; beyond that they are made again. */
const MAX_SECTIONS = 100_000;
/** A peer stands in many sections, and never changes. */
const digests = new WeakMap<PeerEntry, Uint8Array>();
