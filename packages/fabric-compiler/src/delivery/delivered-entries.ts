import type { Ownership } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { noBits } from '../bitset.js';
import type { BundlePortRange, BundleSecurityPolicy } from '../bundle.js';
import { entriesOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import { entryIdOf } from '../identifiers.js';
import type { ResolvedService } from '../services.js';
import type { AddressLists } from './address-lists.js';

/** Writes the SPDs of edges as they are given them: an entry for each family and protocol of a proven one, in its order. */
export class DeliveredEntries {
  readonly #lists: AddressLists;
  readonly #ownership: Ownership;
  readonly #ids = new Map<SpdEntry, EntryIds>();

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
    const { ruleId, direction, action } = entry;
    const entryIds = passing === undefined ? this.#idsOf(entry) : entryIdsOf(entry, placeOf(entry, passing));
    const written: BundleSecurityPolicy[] = [];
    for (const family of FAMILIES) {
      const services = writtenServices(entry, owner, family, this.#ownership);
      if (services.length === 0) continue;
      const localAddresses =
        entry.local === 'site' ? this.#lists.ofOwner(owner, family) : this.#lists.of(entry.local, family);
      const remoteAddresses = this.#lists.of(entry.remote, family);
      for (const [index, { protocol, ports }] of services.entries()) {
        // Ports are those of who answers.
        const [localPorts, remotePorts] = direction === 'opens' ? [NO_PORTS, ports] : [ports, NO_PORTS];
        const entryId = entryIds[family][index] ?? '';
        const selector = { localAddresses, remoteAddresses, protocol, localPorts, remotePorts };
        written.push({ entryId, ruleId, action, selector });
      }
    }
    return written;
  }

  /** Most edges have the same entries, and a name costs a hash. */
  #idsOf(entry: SpdEntry): EntryIds {
    const known = this.#ids.get(entry) ?? entryIdsOf(entry, undefined);
    this.#ids.set(entry, known);
    return known;
  }
}

/** By family, of each service. */
type EntryIds = Readonly<Record<Family, readonly string[]>>;

function entryIdsOf({ ruleId, direction, services }: SpdEntry, passing: number | undefined): EntryIds {
  const ofFamily = (family: Family) =>
    services[family].map(({ protocol }) =>
      entryIdOf({ ruleId, direction, family, protocol, ...(passing === undefined ? {} : { passing }) }),
    );
  return { 4: ofFamily(4), 6: ofFamily(6) };
}

/** Which of those that a relay passes on of the same rule and direction. */
function placeOf({ ruleId, direction }: SpdEntry, passing: Map<string, number>): number {
  const kind = `${direction} ${ruleId}`;
  const place = passing.get(kind) ?? 0;
  passing.set(kind, place + 1);
  return place;
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

const NO_PORTS: readonly BundlePortRange[] = [];
