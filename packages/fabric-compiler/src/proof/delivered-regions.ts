import { rangesOfList } from '../address/address-list.js';
import { sameRanges, sameSet } from '../address/address-set.js';
import { FAMILIES, type Family, type FamilyRanges, familyDifference, familyIntersection } from '../address/family.js';
import type { NumericRange } from '../address/range-set.js';
import type { BundleAddressRange, BundleSecurityPolicy, BundleTunnel, EdgeBundle } from '../bundle.js';
import type { Topology } from '../topology.js';
import { IN_THE_CLEAR, Regions, targetText } from './region-entries.js';

/** Addresses of one owner, or of nobody. */
interface Part {
  readonly owner: number;
  readonly ranges: FamilyRanges;
}

interface TargetPart extends Part {
  /** What protects packets to these addresses; undefined: nothing carries them. */
  readonly target: string | undefined;
}

/**
 * Reads the SPDs that edges are given, by whose addresses an entry is about; whatever the fabric does not know is nobody's, whose
 * number is that after the last owner.
 */
export class DeliveredRegions {
  readonly #topology: Topology;
  readonly #owned: Readonly<Record<Family, readonly { readonly range: NumericRange; readonly owner: number }[]>>;
  /** Lists of addresses stand in the entries of many edges. */
  readonly #parts = new WeakMap<readonly BundleAddressRange[], readonly Part[]>();

  constructor(topology: Topology) {
    this.#topology = topology;
    // With those of external peers, which `topology.owned` leaves out.
    const ofFamily = (family: Family) =>
      topology.ownership
        .flatMap((ranges, owner) => ranges[family].map((range) => ({ range, owner })))
        .sort((left, right) => (left.range.first < right.range.first ? -1 : 1));
    this.#owned = { 4: ofFamily(4), 6: ofFamily(6) };
  }

  of(bundle: EdgeBundle): Regions {
    const regions = new Regions();
    const targets = new Targets(bundle);
    const carried = this.#carriedBy(bundle, targets);
    for (const policy of bundle.securityPolicies) {
      const byAddress = policy.action === 'PROTECT' && policy.tunnelId === undefined;
      const remotes = this.#partsOf(policy.selector.remoteAddresses);
      if (byAddress) this.#add(regions, policy, remotes.flatMap(carried));
      else
        this.#add(
          regions,
          policy,
          remotes.map((part) => ({ ...part, target: targets.of(policy) })),
        );
    }
    return regions;
  }

  #add(regions: Regions, { ruleId, selector }: BundleSecurityPolicy, remotes: readonly TargetPart[]): void {
    const { protocol, localPorts, remotePorts } = selector;
    for (const local of this.#partsOf(selector.localAddresses)) {
      for (const { target, ...remote } of remotes) {
        if (local.owner === remote.owner && local.owner < this.#topology.owners.length) continue;
        for (const family of FAMILIES) {
          const [here, there] = [local.ranges[family], remote.ranges[family]];
          if (here.length === 0 || there.length === 0) continue;
          const entry = { ruleId, target, protocol, local: here, remote: there, localPorts, remotePorts };
          regions.add(local.owner, remote.owner, family, entry);
        }
      }
    }
  }

  /** Takes remote addresses apart by who carries them; those that nobody does are discarded. */
  #carriedBy({ tunnels, tunnelGroups }: EdgeBundle, targets: Targets): (part: Part) => readonly TargetPart[] {
    const carriers = new Map<number, TargetPart[]>();
    const named = [
      ...tunnels.map(({ tunnelId, carries = [] }) => [tunnelId, carries] as const),
      ...tunnelGroups.map(({ groupId, carries = [] }) => [groupId, carries] as const),
    ];
    for (const [tunnelId, carries] of named) {
      const target = targets.ofTunnel(tunnelId);
      for (const part of carries.flatMap((list) => this.#partsOf(list))) {
        carriers.set(part.owner, [...(carriers.get(part.owner) ?? []), { ...part, target }]);
      }
    }
    return ({ owner, ranges }) => {
      let rest = ranges;
      const parts: TargetPart[] = [];
      // Where two carry an address, which no edge takes, the first does.
      for (const carrier of carriers.get(owner) ?? []) {
        const common = familyIntersection(rest, carrier.ranges);
        rest = familyDifference(rest, carrier.ranges);
        parts.push({ owner, ranges: sameRanges(common, ranges) ? ranges : common, target: carrier.target });
      }
      return [...parts, { owner, ranges: rest, target: undefined }];
    };
  }

  #partsOf(addresses: readonly BundleAddressRange[]): readonly Part[] {
    const known = this.#parts.get(addresses);
    if (known !== undefined) return known;
    const parts = this.#split(addresses.length === 0 ? EVERYTHING : rangesOfList(addresses));
    this.#parts.set(addresses, parts);
    return parts;
  }

  #split(ranges: FamilyRanges): readonly Part[] {
    const { ownership } = this.#topology;
    const owners = new Set(FAMILIES.flatMap((family) => ranges[family].flatMap((range) => this.#met(range, family))));
    const parts = [...owners].map((owner) => {
      const whole = ownership[owner] ?? NOTHING;
      const common = familyIntersection(ranges, whole);
      // The very ranges of the owner, where it is all of them: what is known of these is looked up.
      const same = (family: Family) => (sameSet(common[family], whole[family]) ? whole[family] : common[family]);
      return { owner, ranges: { 4: same(4), 6: same(6) } };
    });
    const rest = parts.reduce((left, part) => familyDifference(left, part.ranges), ranges);
    const isRest = FAMILIES.some((family) => rest[family].length > 0);
    return isRest ? [...parts, { owner: ownership.length, ranges: rest }] : parts;
  }

  /** Owners of some address of the range. */
  #met(range: NumericRange, family: Family): number[] {
    const owned = this.#owned[family];
    let low = 0;
    let high = owned.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const one = owned[middle]?.range;
      if (one !== undefined && one.last < range.first) low = middle + 1;
      else high = middle;
    }
    const met: number[] = [];
    for (let index = low; index < owned.length; index += 1) {
      const one = owned[index];
      if (one === undefined || one.range.first > range.last) break;
      met.push(one.owner);
    }
    return met;
  }
}

/** What protects packets, as text; undefined: nothing carries them. */
class Targets {
  readonly #byId: ReadonlyMap<string, BundleTunnel>;
  readonly #groups: ReadonlyMap<string, readonly string[]>;
  readonly #texts = new Map<string, string | undefined>();

  constructor({ tunnels, tunnelGroups }: EdgeBundle) {
    this.#byId = new Map(tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
    this.#groups = new Map(tunnelGroups.map(({ groupId, tunnelIds }) => [groupId, tunnelIds]));
  }

  of(policy: BundleSecurityPolicy): string | undefined {
    if (policy.action !== 'PROTECT') return policy.action === 'BYPASS' ? IN_THE_CLEAR : undefined;
    return policy.tunnelId === undefined ? undefined : this.ofTunnel(policy.tunnelId);
  }

  /** Of a tunnel, or of a group. */
  ofTunnel(tunnelId: string): string | undefined {
    if (!this.#texts.has(tunnelId)) this.#texts.set(tunnelId, this.#textOf(tunnelId));
    return this.#texts.get(tunnelId);
  }

  #textOf(target: string): string | undefined {
    const members = (this.#groups.get(target) ?? [target]).flatMap((tunnelId) => this.#byId.get(tunnelId) ?? []);
    const peers = members.map(({ peerEdgeId: peerId, remote, otherRemotes = [], remoteAccess: access }) => ({
      peerId,
      remote,
      otherRemotes,
      access,
    }));
    const kinds = new Set(
      members.map(({ profile, keying }) =>
        targetText(peers, profile, keying.mode, keying.mode === 'ikev2' ? keying.ike : undefined),
      ),
    );
    // Members that protect in different ways are like nothing that was proven.
    return kinds.size === 0 ? undefined : [...kinds].join();
  }
}

const NOTHING: FamilyRanges = { 4: [], 6: [] };
/** An empty list of a selector matches every value. */
const EVERYTHING: FamilyRanges = {
  4: [{ first: 0n, last: (1n << 32n) - 1n }],
  6: [{ first: 0n, last: (1n << 128n) - 1n }],
};
