import type { Ownership } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { noBits } from '../bitset.js';
import type { BundlePortRange, BundleSecurityPolicy } from '../bundle.js';
import { entriesOf, type SharedBundle } from '../fabric/shared-bundle.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import type { SpdSection } from '../fabric/spd-section.js';
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

  /** How many there are, and how many ranges of addresses they name, a list counted for each entry that names it. */
  sizeOf({ owner, policies, transit }: SharedBundle): EntriesSize {
    let [entries, ranges] = [0, 0];
    for (const section of [...policies, ...transit]) {
      const { spelled, ofSite } = this.#sizeOfSection(section);
      entries += spelled.entries;
      ranges += spelled.ranges;
      for (const family of FAMILIES) {
        const own = this.#lists.ofOwner(owner, family).length;
        if (own === 0) continue;
        entries += ofSite[family].entries;
        ranges += ofSite[family].ranges + ofSite[family].entries * own;
      }
    }
    return { entries, ranges };
  }

  #sizeOfSection(section: SpdSection): SectionSize {
    const known = sizes.get(section);
    if (known !== undefined) return known;
    const size = {
      spelled: { entries: 0, ranges: 0 },
      ofSite: { 4: { entries: 0, ranges: 0 }, 6: { entries: 0, ranges: 0 } },
    };
    for (const { local, remote, services } of section.entries) {
      for (const family of FAMILIES) {
        const far = this.#lists.of(remote, family).length;
        const near = local === 'site' ? undefined : this.#lists.of(local, family).length;
        if (far === 0 || near === 0) continue;
        const sum = near === undefined ? size.ofSite[family] : size.spelled;
        sum.entries += services[family].length;
        sum.ranges += services[family].length * (far + (near ?? 0));
      }
    }
    sizes.set(section, size);
    return size;
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

export interface EntriesSize {
  readonly entries: number;
  readonly ranges: number;
}

interface SectionSize {
  /** Of entries that spell their local addresses out. */
  readonly spelled: EntriesSize;
  /** By family, of those that mean the whole site, whose ranges edges that share the section have each of their own. */
  readonly ofSite: Readonly<Record<Family, EntriesSize>>;
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
/** Edges share sections, and so do revisions. */
const sizes = new WeakMap<SpdSection, SectionSize>();
