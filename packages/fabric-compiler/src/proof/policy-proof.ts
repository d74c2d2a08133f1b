import { type AddressSet, type Ownership, sameRanges } from '../address/address-set.js';
import { addBits, type Bitset, commonBits, emptyBits, hasBit, noBits } from '../bitset.js';
import type { SpdEntry } from '../fabric/spd-entry.js';
import type { SpdSection } from '../fabric/spd-section.js';
import type { TransitDuty } from '../fabric/transit.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { type Clause, type Difference, firstDifference, type ListScope } from './decision-list.js';
import { type Region, type RegionClass, type RegionTable, regionTable } from './regions.js';

/** Where an edge decides otherwise than the rules: some packet between these regions, in the view of the edge. */
export interface PolicyDifference extends Difference {
  readonly edge: number;
  readonly local: Region;
  readonly remote: Region;
}

/** What is left of the rules when the addresses of both ends are known. */
export interface SectionProof {
  readonly differences: readonly PolicyDifference[];
  /** By profile: with whom the rules protect traffic. */
  readonly needs: ReadonlyMap<string, Bitset>;
}

/**
 * Compares what the SPD entries of an edge say with what the rules say, for all packets between its site and any other.
 * It looks at one packet of each class that neither rules nor entries tell apart, so that it is exact, and costs what the
 * rules are, not what the fabric is.
 */
export class PolicyProof {
  readonly #rules: readonly ResolvedRule[];
  readonly #ownership: Ownership;
  readonly #table: RegionTable;
  readonly #known = new Map<SpdSection, Map<RegionClass, ClassProof>>();

  readonly #scope: ListScope;

  /** `part`: the rules are a block, and a packet that none of them matches is for other blocks to decide. */
  constructor(rules: readonly ResolvedRule[], ownership: Ownership, scope: ListScope) {
    this.#rules = rules;
    this.#scope = scope;
    this.#ownership = ownership;
    this.#table = regionTable(
      distinct(rules.flatMap(({ sources, destinations }) => [sources, destinations])),
      ownership,
    );
  }

  /** The entries for traffic of the own site of an edge. */
  ofSite(edge: number, section: SpdSection): SectionProof {
    const table = this.#tableFor(section.entries, edge);
    const shared = table === this.#table;
    const proofs = (table.ofOwner[edge] ?? []).map((local) => ({
      local,
      proof: this.#class(section, local, table, edge, shared),
    }));
    const differences = proofs.flatMap(({ local, proof }) =>
      proof.differences.flatMap(({ remote, difference }) => {
        const far = remote.regions.find(({ owner }) => owner !== edge);
        const near = local.regions.find(({ owner }) => owner === edge);
        return far === undefined || near === undefined ? [] : [{ ...difference, edge, local: near, remote: far }];
      }),
    );
    return { differences, needs: mergedNeeds(proofs.map(({ proof }) => proof.needs)) };
  }

  /** The entries for traffic that an edge relays. */
  ofTransit(edge: number, section: SpdSection, duties: readonly TransitDuty[]): readonly PolicyDifference[] {
    const table = this.#tableFor(section.entries, undefined);
    return duties.flatMap(({ from, to }) =>
      table.classes.flatMap((local) => {
        if (noBits(commonBits(local.owners, from))) return [];
        return table.classes.flatMap((remote) => {
          if (remote.family !== local.family || noBits(commonBits(remote.owners, to))) return [];
          const wanted = ruleClauses(this.#rules, local, remote, table);
          const found = entryClauses(section.entries, undefined, local, remote, table);
          const difference = firstDifference(wanted, found, this.#scope);
          if (difference === undefined) return [];
          const pair = distinctOwners(local, from, remote, to);
          return pair === undefined ? [] : [{ ...difference, edge, ...pair }];
        });
      }),
    );
  }

  #class(section: SpdSection, local: RegionClass, table: RegionTable, edge: number, shared: boolean): ClassProof {
    // Entries about a part of a site belong to that site's edge alone, so its section is not shared.
    const known = shared ? this.#known.get(section)?.get(local) : undefined;
    if (known !== undefined) return known;
    const differences: ClassProof['differences'][number][] = [];
    const needs = new Map<string, Bitset>();
    for (const remote of table.classes) {
      if (remote.family !== local.family) continue;
      const wanted = ruleClauses(this.#rules, local, remote, table);
      const found = entryClauses(section.entries, edge, local, remote, table);
      for (const { action, profileId } of wanted) {
        if (action !== 'PROTECT') continue;
        const owners = needs.get(profileId) ?? emptyBits(this.#ownership.length);
        addBits(owners, remote.owners);
        needs.set(profileId, owners);
      }
      const difference = firstDifference(wanted, found, this.#scope);
      if (difference !== undefined) differences.push({ remote, difference });
    }
    const proof = { differences, needs };
    if (shared) {
      const ofSection = this.#known.get(section) ?? new Map<RegionClass, ClassProof>();
      ofSection.set(local, proof);
      this.#known.set(section, ofSection);
    }
    return proof;
  }

  /** Cut at the sets of the rules; and at those of the entries, where an entry has others. */
  #tableFor(entries: readonly SpdEntry[], edge: number | undefined): RegionTable {
    const strange = new Set<AddressSet>();
    for (const { local, remote } of entries) {
      if (!this.#table.positions.has(remote)) strange.add(remote);
      if (local !== 'site' && !(edge !== undefined && this.#cutsAlike(local, edge))) strange.add(local);
    }
    return strange.size === 0 ? this.#table : regionTable([...this.#table.sets, ...strange], this.#ownership);
  }

  /** Whether some rule cuts the site of the edge just as this set does. */
  #cutsAlike(local: AddressSet, edge: number): boolean {
    return this.#table.positions.has(local) || positionOfPart(local, edge, this.#table) !== undefined;
  }
}

interface ClassProof {
  readonly differences: readonly { readonly remote: RegionClass; readonly difference: Difference }[];
  readonly needs: ReadonlyMap<string, Bitset>;
}

/** What the rules say of packets between two classes, seen from the first. */
function ruleClauses(
  rules: readonly ResolvedRule[],
  local: RegionClass,
  remote: RegionClass,
  { positions }: RegionTable,
): readonly Clause[] {
  const clauses: Clause[] = [];
  for (const rule of rules) {
    const services = rule.services[local.family];
    if (services.length === 0) continue;
    const sources = positions.get(rule.sources) ?? -1;
    const destinations = positions.get(rule.destinations) ?? -1;
    const { ruleId, action, profileId } = rule;
    const opens = hasBit(local.within, sources) && hasBit(remote.within, destinations);
    if (opens) clauses.push({ ruleId, action, profileId, services, direction: 'opens' });
    const answers = hasBit(local.within, destinations) && hasBit(remote.within, sources);
    if (!answers || (opens && withoutPorts(services))) continue;
    clauses.push({ ruleId, action, profileId, services, direction: 'answers' });
  }
  return clauses;
}

function entryClauses(
  entries: readonly SpdEntry[],
  edge: number | undefined,
  local: RegionClass,
  remote: RegionClass,
  table: RegionTable,
): readonly Clause[] {
  const clauses: Clause[] = [];
  for (const entry of entries) {
    const services = entry.services[local.family];
    if (services.length === 0 || !hasBit(remote.within, table.positions.get(entry.remote) ?? -1)) continue;
    if (!matchesLocal(entry.local, edge, local, table)) continue;
    const { ruleId, action, profileId, direction } = entry;
    const last = clauses.at(-1);
    const repeated = last?.ruleId === ruleId && last.direction !== direction && withoutPorts(services);
    if (!repeated || last.services !== services) clauses.push({ ruleId, action, profileId, services, direction });
  }
  return clauses;
}

function matchesLocal(
  local: SpdEntry['local'],
  edge: number | undefined,
  region: RegionClass,
  table: RegionTable,
): boolean {
  if (local === 'site') return edge !== undefined;
  const position = table.positions.get(local) ?? (edge === undefined ? undefined : positionOfPart(local, edge, table));
  return position !== undefined && hasBit(region.within, position);
}

/** A set of the table that holds of this owner exactly what the given set holds of it, and the given set nothing else. */
function positionOfPart(set: AddressSet, owner: number, { sets }: RegionTable): number | undefined {
  const part = set.partial.get(owner);
  if (part === undefined || set.only !== owner) return undefined;
  const position = sets.findIndex((other) => {
    const cut = other.partial.get(owner);
    return cut !== undefined && sameRanges(cut, part);
  });
  return position < 0 ? undefined : position;
}

function withoutPorts(services: Clause['services']): boolean {
  return services.every(({ ports }) => ports.length === 0);
}

function distinctOwners(
  local: RegionClass,
  from: Bitset,
  remote: RegionClass,
  to: Bitset,
): { local: Region; remote: Region } | undefined {
  for (const near of local.regions) {
    if (!hasBit(from, near.owner)) continue;
    const far = remote.regions.find(({ owner }) => owner !== near.owner && hasBit(to, owner));
    if (far !== undefined) return { local: near, remote: far };
  }
  return undefined;
}

function mergedNeeds(parts: readonly ReadonlyMap<string, Bitset>[]): ReadonlyMap<string, Bitset> {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const merged = new Map<string, Bitset>();
  for (const part of parts) {
    for (const [profileId, owners] of part) {
      const known = merged.get(profileId);
      if (known === undefined) merged.set(profileId, owners.slice());
      else addBits(known, owners);
    }
  }
  return merged;
}

function distinct(sets: readonly AddressSet[]): readonly AddressSet[] {
  return [...new Set(sets)];
}
