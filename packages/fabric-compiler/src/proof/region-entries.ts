import { addressesOf } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import type { RangeSet } from '../address/range-set.js';
import { hasBit, membersOf } from '../bitset.js';
import type { BundleIke, BundlePortRange, BundleProfile } from '../bundle.js';
import { canonicalText } from '../canonical-text.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import { entriesOf, peersOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import type { KeyingMode } from '../intent.js';
import type { Topology } from '../topology.js';

/** What one SPD entry says of the packets between two owners, in one IP version. */
export interface RegionEntry {
  readonly ruleId: string;
  /** Which peers may carry such packets, and under which protection; undefined: they are discarded. */
  readonly target: string | undefined;
  readonly protocol: number | 'any';
  readonly local: RangeSet;
  readonly remote: RangeSet;
  readonly localPorts: readonly BundlePortRange[];
  readonly remotePorts: readonly BundlePortRange[];
}

/** Packets between two owners, as an edge sees them. No entry is about packets of two regions. */
export interface Region {
  readonly local: number;
  readonly remote: number;
  readonly family: Family;
  /** In the order of the SPD. */
  readonly entries: RegionEntry[];
}

/** The regions that an SPD has entries for. */
export class Regions {
  readonly #regions = new Map<number, Region>();

  add(local: number, remote: number, family: Family, entry: RegionEntry): void {
    const key = (local * OWNERS + remote) * 2 + (family === 6 ? 1 : 0);
    const known = this.#regions.get(key);
    if (known !== undefined) known.entries.push(entry);
    else this.#regions.set(key, { local, remote, family, entries: [entry] });
  }

  /** Each region that either of the two has entries for, with the entries of both. */
  *beside(other: Regions): Generator<readonly [Region, readonly RegionEntry[], readonly RegionEntry[]]> {
    for (const [key, region] of this.#regions) yield [region, region.entries, other.#regions.get(key)?.entries ?? []];
    for (const [key, region] of other.#regions) if (!this.#regions.has(key)) yield [region, [], region.entries];
  }
}

/** What the proven bundle of a site says. Of traffic within one owner nothing: it passes no edge. */
export function provenRegions(bundle: SharedBundle, topology: Topology): Regions {
  const regions = new Regions();
  const targets = new Targets(bundle, topology);
  for (const entry of entriesOf(bundle.policies)) addEntry(regions, entry, bundle.owner, targets, topology);
  for (const entry of entriesOf(bundle.transit)) {
    for (const local of localOwners(entry)) addEntry(regions, entry, local, targets, topology);
  }
  return regions;
}

/** Who may carry packets, and where it is. */
export type TargetPeer = Pick<PeerEntry, 'peerId' | 'remote' | 'otherRemotes'> & Partial<Pick<PeerEntry, 'access'>>;

/** How packets with these peers are protected, as text that is equal for equal protection. */
export function targetText(
  peers: readonly TargetPeer[],
  profile: BundleProfile,
  keyingMode: KeyingMode,
  ike: BundleIke | undefined,
): string {
  const gateways = peers.map(({ peerId, remote, otherRemotes, access }) => [
    peerId,
    ...(remote === undefined
      ? [access ?? null]
      : [remote, ...otherRemotes].map(({ address, port }) => [address, port])),
  ]);
  return canonicalText([gateways, profile, keyingMode, keyingMode === 'ikev2' ? ike : null]);
}

function* localOwners({ local }: SpdEntry): Generator<number> {
  if (local === 'site') return;
  for (const owner of membersOf(local.present[4])) yield owner;
  for (const owner of membersOf(local.present[6])) if (!hasBit(local.present[4], owner)) yield owner;
}

function addEntry(regions: Regions, entry: SpdEntry, owner: number, targets: Targets, { ownership }: Topology): void {
  for (const family of FAMILIES) {
    if (entry.services[family].length === 0) continue;
    const whole = ownership[owner]?.[family] ?? [];
    const local = entry.local === 'site' ? whole : addressesOf(entry.local, owner, ownership)[family];
    if (local.length === 0) continue;
    for (const remoteOwner of membersOf(entry.remote.present[family])) {
      if (remoteOwner === owner) continue;
      const target = targets.of(entry, remoteOwner, family);
      const remote = addressesOf(entry.remote, remoteOwner, ownership)[family];
      for (const { protocol, ports } of entry.services[family]) {
        const [localPorts, remotePorts] = entry.direction === 'opens' ? [[], ports] : [ports, []];
        const { ruleId } = entry;
        regions.add(owner, remoteOwner, family, { ruleId, target, protocol, local, remote, localPorts, remotePorts });
      }
    }
  }
}

/** Populated from the packet (RFC 4301 section 4.4.1.1): the peer of an entry is the one that carries the remote address. */
class Targets {
  readonly #topology: Topology;
  readonly #keyingMode: SharedBundle['keyingMode'];
  readonly #carriers: Readonly<Record<Family, Map<number, PeerEntry>>> = { 4: new Map(), 6: new Map() };
  readonly #texts = new Map<string, string>();

  constructor(bundle: SharedBundle, topology: Topology) {
    this.#topology = topology;
    this.#keyingMode = bundle.keyingMode;
    for (const peer of peersOf(bundle)) {
      for (const family of FAMILIES) {
        for (const owner of membersOf(peer.carries.present[family])) this.#carriers[family].set(owner, peer);
      }
    }
  }

  of({ action, profileId }: SpdEntry, remote: number, family: Family): string | undefined {
    if (action === 'DISCARD') return undefined;
    if (action === 'BYPASS') return IN_THE_CLEAR;
    const peer = this.#carriers[family].get(remote);
    const profile = peer?.profiles.find(({ id }) => id === profileId);
    if (peer === undefined || profile === undefined) return undefined;
    const key = `${peer.owner} ${profileId}`;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    // A gateway that is not ours negotiates, whatever the edges do among themselves.
    const keyingMode = this.#topology.owners[peer.owner]?.kind === 'external' ? 'ikev2' : this.#keyingMode;
    const text = targetText([peer, ...peer.standbys], profile.esp, keyingMode, profile.ike);
    this.#texts.set(key, text);
    return text;
  }
}

/** Of an entry that lets packets pass unprotected. */
export const IN_THE_CLEAR = 'in the clear';
/** More than any fabric has. */
const OWNERS = 1 << 20;
