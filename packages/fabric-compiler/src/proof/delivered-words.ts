import { type AddressSet, rangesOfSet } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { numberFromOctets } from '../address/octets.js';
import type { RangeSet } from '../address/range-set.js';
import type { BundleAddressList, BundleSecurityPolicy, BundleTunnel, EdgeBundle } from '../bundle.js';
import type { PeerEntry } from '../fabric/peer-section.js';
import { entriesOf, peersOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import type { IntentProfile } from '../intent.js';
import { sameValue } from '../same-value.js';
import type { ResolvedService } from '../services.js';
import type { Topology } from '../topology.js';
import { carriersOf, type DeliveredCarrier } from './delivered-carriers.js';

/**
 * Whether a delivered bundle says of packets and peers what the proven one says, in the same words: entry by entry, and carrier by
 * carrier. Then both decide every packet alike, and nothing has to be compared packet by packet. The octets are read, not how they were
 * made; a list that many bundles share is read once.
 */
export class DeliveredWords {
  readonly #topology: Topology;
  /** The list that a set was last found to be, by family. */
  readonly #ofSets = new WeakMap<AddressSet, Partial<Record<Family, BundleAddressList>>>();
  readonly #ofOwners = new Map<string, BundleAddressList>();

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  same(given: EdgeBundle, proven: SharedBundle): boolean {
    return this.#sameEntries(given, proven) && this.#sameCarriers(given, proven);
  }

  #sameEntries({ securityPolicies }: EdgeBundle, { owner, policies, transit }: SharedBundle): boolean {
    let index = 0;
    for (const entry of [...entriesOf(policies), ...entriesOf(transit)]) {
      for (const family of FAMILIES) {
        if (!this.#isWritten(entry, owner, family)) continue;
        for (const service of entry.services[family]) {
          const written = securityPolicies[index];
          if (written === undefined || !this.#sameEntry(written, entry, owner, family, service)) return false;
          index += 1;
        }
      }
    }
    return index === securityPolicies.length;
  }

  /** An entry without an address at one end is about no packet. */
  #isWritten({ local, remote }: SpdEntry, owner: number, family: Family): boolean {
    const near = local === 'site' ? this.#topology.ownership[owner]?.[family].length : holdsAny(local, family);
    return Boolean(near) && holdsAny(remote, family);
  }

  #sameEntry(
    written: BundleSecurityPolicy,
    { ruleId, action, local, remote, direction }: SpdEntry,
    owner: number,
    family: Family,
    { protocol, ports }: ResolvedService,
  ): boolean {
    const { selector } = written;
    const [localPorts, remotePorts] = direction === 'opens' ? [[], ports] : [ports, []];
    return (
      written.ruleId === ruleId &&
      written.action === action &&
      (written.action !== 'PROTECT' || written.tunnelId === undefined) &&
      selector.protocol === protocol &&
      sameValue(selector.localPorts, localPorts) &&
      sameValue(selector.remotePorts, remotePorts) &&
      this.#isSet(selector.remoteAddresses, remote, family) &&
      (local === 'site'
        ? this.#isOwner(selector.localAddresses, owner, family)
        : this.#isSet(selector.localAddresses, local, family))
    );
  }

  #sameCarriers(given: EdgeBundle, proven: SharedBundle): boolean {
    const carriers = byPreferredPeer(carriersOf(given));
    const peers = peersOf(proven);
    return (
      carriers.size === peers.length &&
      peers.every((peer) => {
        const carrier = carriers.get(peer.peerId);
        if (carrier === undefined) return false;
        const families = FAMILIES.filter((family) => holdsAny(peer.carries, family));
        return (
          carrier.carries.length === families.length &&
          families.every((family, index) => this.#isSet(carrier.carries[index] ?? [], peer.carries, family)) &&
          sameTunnels(carrier.tunnels, peer, this.#keyingMode(proven, peer))
        );
      })
    );
  }

  /** A gateway that is not ours negotiates, whatever the edges do among themselves. */
  #keyingMode({ keyingMode }: SharedBundle, { owner }: PeerEntry): SharedBundle['keyingMode'] {
    return this.#topology.owners[owner]?.kind === 'external' ? 'ikev2' : keyingMode;
  }

  #isSet(list: BundleAddressList, set: AddressSet, family: Family): boolean {
    const known = this.#ofSets.get(set) ?? {};
    if (known[family] === list) return true;
    if (!isList(list, rangesOfSet(set, family, this.#topology.ownership), family)) return false;
    this.#ofSets.set(set, { ...known, [family]: list });
    return true;
  }

  #isOwner(list: BundleAddressList, owner: number, family: Family): boolean {
    const key = `${owner} ${family}`;
    if (this.#ofOwners.get(key) === list) return true;
    if (!isList(list, this.#topology.ownership[owner]?.[family] ?? [], family)) return false;
    this.#ofOwners.set(key, list);
    return true;
  }
}

/** By the preferred peer. Two for one peer stand apart, so that there are more than there should be. */
function byPreferredPeer(carriers: readonly DeliveredCarrier[]): ReadonlyMap<string, DeliveredCarrier> {
  const byPeer = new Map<string, DeliveredCarrier>();
  for (const carrier of carriers) {
    const preferred = carrier.tunnels[0]?.peerEdgeId ?? '';
    byPeer.set(byPeer.has(preferred) ? `${preferred} ${byPeer.size}` : preferred, carrier);
  }
  return byPeer;
}

/** Preferred first, with each of its edges, all protected as each rule wants it that sends packets there. */
function sameTunnels(
  tunnels: readonly BundleTunnel[],
  peer: PeerEntry,
  keyingMode: SharedBundle['keyingMode'],
): boolean {
  const members = [peer, ...peer.standbys];
  return (
    tunnels.length === members.length &&
    tunnels.every((tunnel, index) => {
      const { peerId, remote, otherRemotes } = members[index] ?? peer;
      return (
        tunnel.peerEdgeId === peerId &&
        sameValue(tunnel.remote, remote) &&
        sameValue(tunnel.otherRemotes ?? [], otherRemotes) &&
        sameValue(tunnel.remoteAccess, peer.access) &&
        tunnel.keying.mode === keyingMode &&
        peer.profiles.every((profile) => isProtectedBy(tunnel, profile))
      );
    })
  );
}

function isProtectedBy({ profile, keying }: BundleTunnel, { esp, ike }: IntentProfile): boolean {
  return sameValue(profile, esp) && (keying.mode !== 'ikev2' || sameValue(keying.ike, ike));
}

function holdsAny({ present }: AddressSet, family: Family): boolean {
  return present[family].some((word) => word !== 0);
}

function isList(list: BundleAddressList, ranges: RangeSet, family: Family): boolean {
  const length = family === 4 ? 4 : 16;
  return (
    list.length === ranges.length &&
    ranges.every(({ first, last }, index) => {
      const range = list[index];
      return (
        range?.first.length === length &&
        range.last.length === length &&
        numberFromOctets(range.first) === first &&
        numberFromOctets(range.last) === last
      );
    })
  );
}
