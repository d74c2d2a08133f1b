import { sameSet } from '../address/address-set.js';
import { FAMILIES, type Family, type FamilyRanges, familyDifference, familyIntersection } from '../address/family.js';
import { numberFromOctets } from '../address/octets.js';
import { type NumericRange, unionOf } from '../address/range-set.js';
import type { BundleAddressRange, BundleSecurityPolicy, EdgeBundle } from '../bundle.js';
import type { Topology } from '../topology.js';
import { IN_THE_CLEAR, Regions, targetText } from './region-entries.js';

/** Addresses of one owner, or of nobody. */
interface Part {
  readonly owner: number;
  readonly ranges: FamilyRanges;
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
    const targets = targetsOf(bundle);
    for (const policy of bundle.securityPolicies) this.#add(regions, policy, targets(policy));
    return regions;
  }

  #add(regions: Regions, { ruleId, selector }: BundleSecurityPolicy, target: string | undefined): void {
    const { protocol, localPorts, remotePorts } = selector;
    const remotes = this.#partsOf(selector.remoteAddresses);
    for (const local of this.#partsOf(selector.localAddresses)) {
      for (const remote of remotes) {
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

  #partsOf(addresses: readonly BundleAddressRange[]): readonly Part[] {
    const known = this.#parts.get(addresses);
    if (known !== undefined) return known;
    const parts = this.#split(addresses.length === 0 ? EVERYTHING : rangesOf(addresses));
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

/** What protects the packets of an entry; undefined: nothing carries them. */
function targetsOf({ tunnels, tunnelGroups }: EdgeBundle): (policy: BundleSecurityPolicy) => string | undefined {
  const byId = new Map(tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
  const groups = new Map(tunnelGroups.map(({ groupId, tunnelIds }) => [groupId, tunnelIds]));
  const texts = new Map<string, string | undefined>();
  const textOf = (target: string) => {
    const members = (groups.get(target) ?? [target]).flatMap((tunnelId) => byId.get(tunnelId) ?? []);
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
  };
  return (policy) => {
    if (policy.action !== 'PROTECT') return policy.action === 'BYPASS' ? IN_THE_CLEAR : undefined;
    const { tunnelId } = policy;
    if (!texts.has(tunnelId)) texts.set(tunnelId, textOf(tunnelId));
    return texts.get(tunnelId);
  };
}

function rangesOf(addresses: readonly BundleAddressRange[]): FamilyRanges {
  const ofLength = (length: number) =>
    unionOf(
      addresses
        .filter(({ first }) => first.length === length)
        .map(({ first, last }) => ({ first: numberFromOctets(first), last: numberFromOctets(last) })),
    );
  return { 4: ofLength(4), 6: ofLength(16) };
}

const NOTHING: FamilyRanges = { 4: [], 6: [] };
/** An empty list of a selector matches every value. */
const EVERYTHING: FamilyRanges = {
  4: [{ first: 0n, last: (1n << 32n) - 1n }],
  6: [{ first: 0n, last: (1n << 128n) - 1n }],
};
