import type { Ownership } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { noBits } from '../bitset.js';
import type { BundleSecurityPolicy } from '../bundle.js';
import { entriesOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import { type EntryIdentity, entryIdOf } from '../identifiers.js';
import type { ResolvedService } from '../services.js';
import type { AddressLists } from './address-lists.js';

/** Writes the SPDs of edges as they are given them: an entry for each family and protocol of a proven one, in its order. */
export class DeliveredEntries {
  readonly #lists: AddressLists;
  readonly #ownership: Ownership;
  readonly #ids = new EntryIds();

  constructor(lists: AddressLists, ownership: Ownership) {
    this.#lists = lists;
    this.#ownership = ownership;
  }

  /** The same for all edges of the site. */
  of({ owner, policies, transit }: SharedBundle): readonly BundleSecurityPolicy[] {
    const own = entriesOf(policies).flatMap((entry) => this.#written(entry, owner, undefined));
    const passing = new Map<string, number>();
    const relayed = entriesOf(transit).flatMap((entry) => this.#written(entry, owner, passing));
    return [...own, ...relayed];
  }

  /** How many there are. */
  countOf({ policies, transit }: SharedBundle): number {
    // One without an address in a family at either end is not written; nobody comes near the limit by those.
    const services = ({ services: { 4: four, 6: six } }: SpdEntry) => four.length + six.length;
    return [...policies, ...transit].reduce(
      (sum, { entries }) => sum + entries.reduce((count, entry) => count + services(entry), 0),
      0,
    );
  }

  /** `passing`: how many of what a relay passes on have been written of each rule and direction. */
  #written(entry: SpdEntry, owner: number, passing: Map<string, number> | undefined): readonly BundleSecurityPolicy[] {
    const { ruleId, direction } = entry;
    const kind = `${direction} ${ruleId}`;
    const place = passing?.get(kind) ?? 0;
    passing?.set(kind, place + 1);
    return FAMILIES.flatMap((family) => {
      const services = writtenServices(entry, owner, family, this.#ownership);
      if (services.length === 0) return [];
      const localAddresses =
        entry.local === 'site' ? this.#lists.ofOwner(owner, family) : this.#lists.of(entry.local, family);
      const remoteAddresses = this.#lists.of(entry.remote, family);
      return services.map((service): BundleSecurityPolicy => {
        const identity = { ruleId, direction, family, protocol: service.protocol };
        return {
          entryId: this.#ids.of(passing === undefined ? identity : { ...identity, passing: place }),
          ruleId,
          action: entry.action,
          selector: { localAddresses, remoteAddresses, protocol: service.protocol, ...portsOf(entry, service) },
        };
      });
    });
  }
}

/**
 * The services of an entry in one family, each of which becomes an entry of its own at the edge of this owner. Without an address of the
 * family at either end there is nothing that it could be about; an empty list in a selector would be every address.
 */
export function writtenServices(
  { local, remote, services }: SpdEntry,
  owner: number,
  family: Family,
  ownership: Ownership,
): readonly ResolvedService[] {
  const near = local === 'site' ? (ownership[owner]?.[family].length ?? 0) > 0 : !noBits(local.present[family]);
  return near && !noBits(remote.present[family]) ? services[family] : [];
}

/** Ports are those of who answers. */
function portsOf({ direction }: SpdEntry, { ports }: ResolvedService) {
  return direction === 'opens' ? { localPorts: [], remotePorts: ports } : { localPorts: ports, remotePorts: [] };
}

/** Most edges have the same entries, and a name costs a hash. */
class EntryIds {
  readonly #known = new Map<string, string>();

  of(identity: EntryIdentity): string {
    const { ruleId, direction, family, protocol, passing } = identity;
    const key = `${passing ?? ''} ${direction} ${family} ${protocol} ${ruleId}`;
    const known = this.#known.get(key) ?? entryIdOf(identity);
    this.#known.set(key, known);
    return known;
  }
}
