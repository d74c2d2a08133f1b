import { bytesToHex } from '@noble/hashes/utils.js';
import { type AddressSet, addressSet, isEmptySet, restrictedTo } from '../address/address-set.js';
import { FAMILIES, type Family } from '../address/family.js';
import { addBits, type Bitset, emptyBits, hasBit } from '../bitset.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { interned, type SetContext } from '../selectors.js';
import { OctetWriter } from './octet-writer.js';
import { endsRun, type RuleBlock } from './rule-block.js';
import { digestOfEntry, type SpdEntry } from './spd-entry.js';
import type { TransitDuty } from './transit.js';

/** The SPD entries of an edge that come from one block of rules. Edges that the block treats alike share one. */
export interface SpdSection {
  readonly entries: readonly SpdEntry[];
  /** SHA-256 of the entries. */
  readonly digest: Uint8Array;
  /** The digest as text, to look things up with. */
  readonly id: string;
  /** Whether the entries after these are hashed apart. */
  readonly endsRun: boolean;
  /** By profile: owners with whom some entry protects traffic; may include the own site. */
  readonly reaches: ReadonlyMap<string, Bitset>;
}

/** What the block gives each of the edges with these numbers, for traffic of their own sites. */
export function siteSections(block: RuleBlock, edgeCount: number, context: SetContext): readonly SpdSection[] {
  const known = new Map<string, SpdSection>();
  const entries = new Map<string, SpdEntry>();
  const sections: SpdSection[] = [];
  for (let edge = 0; edge < edgeCount; edge += 1) {
    const key = treatmentOf(block, edge);
    let section = known.get(key);
    if (section === undefined) {
      section = siteSection(block, edge, entries, context);
      known.set(key, section);
    }
    sections.push(section);
  }
  return sections;
}

/** What the block gives an edge that relays, for the traffic that it passes on. */
export function transitSection(block: RuleBlock, duties: readonly TransitDuty[], context: SetContext): SpdSection {
  const entries = block.flatMap((rule) =>
    duties.flatMap(({ from, to }): SpdEntry[] => [
      ...transitEntries(rule, 'opens', [rule.sources, from], [rule.destinations, to], context),
      ...transitEntries(rule, 'answers', [rule.destinations, from], [rule.sources, to], context),
    ]),
  );
  return finished(entries, new Map());
}

/**
 * Everything about an edge that its section depends on, as text: for each rule, which families of the site are among the
 * sources and the destinations, and whether anybody else is at the other side. Parts of a site are the edge's own.
 */
function treatmentOf(block: RuleBlock, edge: number): string {
  let key = '';
  let own = false;
  for (const { sources, destinations } of block) {
    key += String.fromCharCode(48 + sideOf(sources, destinations, edge) + 8 * sideOf(destinations, sources, edge));
    own ||= sources.partial.has(edge) || destinations.partial.has(edge);
  }
  return own ? `${key}@${edge}` : key;
}

function sideOf(side: AddressSet, other: AddressSet, edge: number): number {
  const four = hasBit(side.present[4], edge) ? 1 : 0;
  const six = hasBit(side.present[6], edge) ? 2 : 0;
  return four + six + (four + six > 0 && other.only === edge ? 4 : 0);
}

function siteSection(block: RuleBlock, edge: number, known: Map<string, SpdEntry>, context: SetContext): SpdSection {
  const entries: SpdEntry[] = [];
  const reaches = new Map<string, Bitset>();
  for (const rule of block) {
    const opens = siteEntry(rule, 'opens', edge, known, context);
    const answers = siteEntry(rule, 'answers', edge, known, context);
    if (opens !== undefined) entries.push(opens);
    if (answers !== undefined && !(opens !== undefined && sameWithoutPorts(opens, answers))) entries.push(answers);
    if (rule.action !== 'PROTECT') continue;
    for (const family of FAMILIES) addReach(reaches, rule, family, edge);
  }
  return finished(entries, reaches);
}

function siteEntry(
  rule: ResolvedRule,
  direction: SpdEntry['direction'],
  edge: number,
  known: Map<string, SpdEntry>,
  context: SetContext,
): SpdEntry | undefined {
  const [near, far] = direction === 'opens' ? [rule.sources, rule.destinations] : [rule.destinations, rule.sources];
  if (!hasBit(near.present[4], edge) && !hasBit(near.present[6], edge)) return undefined;
  if (isEmptySet(far) || far.only === edge) return undefined;
  const local = localPart(near, edge, context);
  const key = `${direction}${local === 'site' ? '' : edge}/${rule.ruleId}`;
  const shared = known.get(key);
  if (shared !== undefined) return shared;
  const { ruleId, action, profileId, services } = rule;
  const entry: SpdEntry = { ruleId, action, profileId, local, remote: far, services, direction };
  known.set(key, entry);
  return entry;
}

/** `site` when the rule means all that is behind the edge. */
function localPart(near: AddressSet, edge: number, context: SetContext): AddressSet | 'site' {
  const part = near.partial.get(edge);
  if (part === undefined) return 'site';
  return interned(addressSet([[edge, part]], context.topology.ownership), context);
}

/** Without ports it does not matter who opens a flow: the second entry would never decide a packet. */
function sameWithoutPorts(opens: SpdEntry, answers: SpdEntry): boolean {
  const keyOf = (set: AddressSet | 'site') => (set === 'site' ? set : set.key);
  return (
    keyOf(opens.local) === keyOf(answers.local) &&
    opens.remote.key === answers.remote.key &&
    FAMILIES.every((family) => opens.services[family].every(({ ports }) => ports.length === 0))
  );
}

/** Notes whom a rule that protects lets one owner talk with in one family, whoever opens the flows. */
export function addReach(reaches: Map<string, Bitset>, rule: ResolvedRule, family: Family, edge: number): void {
  if (rule.services[family].length === 0) return;
  for (const [near, far] of [
    [rule.sources, rule.destinations],
    [rule.destinations, rule.sources],
  ] as const) {
    if (!hasBit(near.present[family], edge)) continue;
    const reached = reaches.get(rule.profileId) ?? emptyBits(32 * far.present[family].length);
    addBits(reached, far.present[family]);
    reaches.set(rule.profileId, reached);
  }
}

function transitEntries(
  rule: ResolvedRule,
  direction: SpdEntry['direction'],
  [near, from]: readonly [AddressSet, Bitset],
  [far, to]: readonly [AddressSet, Bitset],
  context: SetContext,
): SpdEntry[] {
  const local = interned(restrictedTo(near, from), context);
  const remote = interned(restrictedTo(far, to), context);
  if (isEmptySet(local) || isEmptySet(remote)) return [];
  const { ruleId, action, profileId, services } = rule;
  return [{ ruleId, action, profileId, local, remote, services, direction }];
}

function finished(entries: readonly SpdEntry[], reaches: ReadonlyMap<string, Bitset>): SpdSection {
  const last = entries.at(-1);
  if (last === undefined) return EMPTY_SECTION;
  const digest = digestOfEntries(entries);
  return { entries, digest, id: bytesToHex(digest), endsRun: endsRun(last.ruleId), reaches };
}

/** Hashes of runs that were met, by the sections that they are made of. */
export class RunDigests {
  #root: KnownRun = { next: new Map(), digest: undefined };
  #size = 0;

  /**
   * Hashes of the entries of all sections, run by run. A run ends behind an entry whose rule says so, whatever blocks the
   * sections come from: what other edges' rules do to the blocks changes no hash here.
   */
  of(sections: readonly SpdSection[]): readonly Uint8Array[] {
    if (this.#size > MAX_KNOWN_RUNS) this.#forget();
    const digests: Uint8Array[] = [];
    let known = this.#root;
    let start = 0;
    for (let index = 0; index < sections.length; index += 1) {
      const section = sections[index];
      if (section === undefined || section.entries.length === 0) continue;
      known = this.#followedBy(known, section);
      if (!section.endsRun) continue;
      digests.push(digestOfRun(known, sections, start, index + 1));
      known = this.#root;
      start = index + 1;
    }
    if (known !== this.#root) digests.push(digestOfRun(known, sections, start, sections.length));
    return digests;
  }

  #followedBy(run: KnownRun, section: SpdSection): KnownRun {
    const known = run.next.get(section);
    if (known !== undefined) return known;
    const longer: KnownRun = { next: new Map(), digest: undefined };
    run.next.set(section, longer);
    this.#size += 1;
    return longer;
  }

  #forget(): void {
    this.#root = { next: new Map(), digest: undefined };
    this.#size = 0;
  }
}

interface KnownRun {
  readonly next: Map<SpdSection, KnownRun>;
  digest: Uint8Array | undefined;
}

function digestOfRun(run: KnownRun, sections: readonly SpdSection[], start: number, end: number): Uint8Array {
  run.digest ??= digestOfEntries(sections.slice(start, end).flatMap(({ entries }) => entries));
  return run.digest;
}

function digestOfEntries(entries: readonly SpdEntry[]): Uint8Array {
  const writer = new OctetWriter().number(entries.length);
  for (const entry of entries) writer.digest(digestOfEntry(entry));
  return writer.hash();
}

/** Beyond that they are hashed again. */
const MAX_KNOWN_RUNS = 500_000;
const NO_ENTRIES = digestOfEntries([]);
export const EMPTY_SECTION: SpdSection = {
  entries: [],
  digest: NO_ENTRIES,
  id: bytesToHex(NO_ENTRIES),
  endsRun: false,
  reaches: new Map(),
};
