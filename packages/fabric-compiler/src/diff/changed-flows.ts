import { type Bitset, bitsMeet, emptyBits, hasBit, membersOf, setBit } from '../bitset.js';
import type { CompiledFabric } from '../fabric/compile-shared.js';
import { type Clause, decidingClause, type Flow, flowClasses, flowClassesOf } from '../proof/decision-list.js';
import type { Packet } from '../proof/packet.js';
import { type RegionClass, type RegionTable, regionTable } from '../proof/regions.js';
import { clausesBetween, mayMatch, pairKey, type RulesAt, rulesAt } from '../proof/rule-space.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { type JointFabric, type JointOwner, jointFabric } from './joint-fabric.js';

/** Flows that fare otherwise after one revision follows another, by what decides them. */
export interface FlowChange {
  readonly change: 'allowed' | 'denied' | 'other_profile';
  /** A packet that opens one of them. */
  readonly example: Packet;
  readonly sourceSite: ChangedSite;
  readonly destinationSite: ChangedSite;
  /** Undefined: no rule decided them, or the packet was not in the fabric. */
  readonly ruleBefore: DecidingRule | undefined;
  readonly ruleAfter: DecidingRule | undefined;
  /** Pairs of a site that opens such flows and one that answers them. */
  readonly sitePairs: number;
}

export interface ChangedSite {
  readonly siteId: string;
  readonly siteName: string;
}

export interface DecidingRule {
  readonly ruleId: string;
  readonly name: string;
}

export interface ChangedFlows {
  readonly flows: readonly FlowChange[];
  /** Pairs of sites between which some flow fares otherwise, by who opens it. */
  readonly sitePairs: Readonly<Record<FlowChange['change'], number>>;
  /** False: there was more to compare than is worth the time, and what is told here is a part of it. */
  readonly complete: boolean;
}

/**
 * Says for all packets, exactly, which flows two revisions decide differently; `before` is undefined when nothing was in force.
 * Only packets are looked at which a rule matches that one of the two alone has. `effort` bounds the work, in comparisons of a
 * flow with a clause.
 */
export function changedFlows(
  before: CompiledFabric | undefined,
  after: CompiledFabric,
  effort: number = EFFORT,
): ChangedFlows {
  const whole = jointFabric(before, after);
  const suspects = suspectRules(whole);
  const concerns = (rule: ResolvedRule) => suspects.some((suspect) => mayMatch(rule, suspect));
  const joint = { ...whole, before: whole.before.filter(concerns), after: whole.after.filter(concerns) };
  const found = new FoundChanges(joint, suspects, effort);
  if (suspects.length === 0) return found.result();
  const table = regionTable([...new Set(setsOf([...suspects, ...joint.before, ...joint.after]))], joint.ownership);
  const views = table.classes.map((region) => new RegionView(region, joint, suspects, table));
  for (const source of views) {
    for (const destination of views) {
      if (found.exhausted) return found.result();
      if (source.region.family === destination.region.family && concerned(source.suspect, destination.suspect)) {
        found.between(source, destination);
      }
    }
  }
  return found.result();
}

/** A region as the rules see it: those that may make a difference, those of before, and those of after. */
class RegionView {
  readonly region: RegionClass;
  readonly suspect: RulesAt;
  readonly #at: (rules: readonly ResolvedRule[]) => RulesAt;
  readonly #joint: JointFabric;
  #before: RulesAt | undefined;
  #after: RulesAt | undefined;

  constructor(region: RegionClass, joint: JointFabric, suspects: readonly ResolvedRule[], { positions }: RegionTable) {
    this.region = region;
    this.#joint = joint;
    this.#at = (rules) => ({ region, ...rulesAt(region, rules, positions) });
    this.suspect = this.#at(suspects);
  }

  get before(): RulesAt {
    this.#before ??= this.#at(this.#joint.before);
    return this.#before;
  }

  get after(): RulesAt {
    this.#after ??= this.#at(this.#joint.after);
    return this.#after;
  }
}

interface Decided {
  readonly change: FlowChange['change'];
  readonly flow: Flow;
  readonly before: Clause | undefined;
  readonly after: Clause | undefined;
}

/** Gathers what was found, one entry for each pair of deciding rules. */
class FoundChanges {
  readonly #joint: JointFabric;
  readonly #suspects: readonly ResolvedRule[];
  readonly #names: ReadonlyMap<string, string>;
  #effort: number;
  readonly #decided = new Map<string, readonly Decided[]>();
  readonly #entries = new Map<string, { readonly entry: Omit<FlowChange, 'sitePairs'>; readonly pairs: PairSet }>();
  readonly #totals: Readonly<Record<FlowChange['change'], PairSet>>;

  constructor(joint: JointFabric, suspects: readonly ResolvedRule[], effort: number) {
    this.#joint = joint;
    this.#suspects = suspects;
    this.#effort = effort;
    this.#names = new Map([...joint.before, ...joint.after].map(({ ruleId, name }) => [ruleId, name]));
    const pairs = () => new PairSet(joint.siteCount);
    this.#totals = { allowed: pairs(), denied: pairs(), other_profile: pairs() };
  }

  /** Whether the work that was allowed is done. */
  get exhausted(): boolean {
    return this.#effort <= 0;
  }

  between(source: RegionView, destination: RegionView): void {
    const ends = endsOf(source.region, destination.region, this.#joint.owners);
    if (ends === undefined) return;
    for (const decided of this.#decide(source, destination)) {
      const key = `${decided.change}/${decided.before?.ruleId}/${decided.after?.ruleId}`;
      const known = this.#entries.get(key) ?? {
        entry: this.#entry(decided, ends, source.region.family),
        pairs: new PairSet(this.#joint.siteCount),
      };
      this.#entries.set(key, known);
      for (const pairs of [known.pairs, this.#totals[decided.change]]) {
        pairs.add(source.region, destination.region, this.#joint.owners);
      }
    }
  }

  result(): ChangedFlows {
    const { allowed, denied, other_profile } = this.#totals;
    return {
      flows: [...this.#entries.values()].map(({ entry, pairs }) => ({ ...entry, sitePairs: pairs.size })),
      sitePairs: { allowed: allowed.size, denied: denied.size, other_profile: other_profile.size },
      complete: !this.exhausted,
    };
  }

  /** One decision of each kind; pairs of regions that the same rules match in the same way share them. */
  #decide(source: RegionView, destination: RegionView): readonly Decided[] {
    const { family } = source.region;
    const key = `${pairKey(family, source.before, destination.before)}|${pairKey(family, source.after, destination.after)}`;
    const known = this.#decided.get(key);
    if (known !== undefined) return known;
    const before = clausesBetween(source.before, destination.before, this.#joint.before, family);
    const after = clausesBetween(source.after, destination.after, this.#joint.after, family);
    const suspects = clausesBetween(source.suspect, destination.suspect, this.#suspects, family);
    const decided = new Map<string, Decided>();
    for (const flow of flowsOf(suspects, [...before, ...after])) {
      this.#effort -= before.length + after.length;
      if (this.exhausted) break;
      const [old, now] = [decidingClause(before, flow), decidingClause(after, flow)];
      const change = changeOf(old, now);
      const kind = `${change}/${old?.ruleId}/${now?.ruleId}`;
      if (change !== undefined && !decided.has(kind)) decided.set(kind, { change, flow, before: old, after: now });
    }
    const list = [...decided.values()];
    this.#decided.set(key, list);
    return list;
  }

  #entry({ change, flow, before, after }: Decided, ends: Ends, family: 4 | 6): Omit<FlowChange, 'sitePairs'> {
    const { protocol, localPort, remotePort } = flow;
    const addresses = { source: ends.source.address, destination: ends.destination.address };
    return {
      change,
      example: { family, ...addresses, protocol, sourcePort: localPort, destinationPort: remotePort },
      sourceSite: ends.source.site,
      destinationSite: ends.destination.site,
      ruleBefore: this.#rule(before),
      ruleAfter: this.#rule(after),
    };
  }

  #rule(clause: Clause | undefined): DecidingRule | undefined {
    if (clause === undefined) return undefined;
    return { ruleId: clause.ruleId, name: this.#names.get(clause.ruleId) ?? '' };
  }
}

/** One flow of each class that some of the clauses match, those of the web first: they say more to a reader than protocol 253. */
function* flowsOf(suspects: readonly Clause[], clauses: readonly Clause[]): Generator<Flow> {
  const named = new Set(clauses.flatMap(({ services }) => services.map(({ protocol }) => protocol)));
  for (const suspect of suspects) {
    if (!suspect.services.some(({ protocol }) => protocol === 'any')) {
      yield* flowClassesOf(suspect, clauses);
      continue;
    }
    if (!named.has(TCP)) yield WEB;
    for (const flow of flowClasses(clauses)) if (decidingClause([suspect], flow) !== undefined) yield flow;
  }
}

/** Answers follow the flows that they belong to: only who opens one is told of. */
function changeOf(before: Clause | undefined, after: Clause | undefined): FlowChange['change'] | undefined {
  const [was, is] = [before?.action === 'PROTECT', after?.action === 'PROTECT'];
  if (!was && is) return after?.direction === 'opens' ? 'allowed' : undefined;
  if (was && !is) return before?.direction === 'opens' ? 'denied' : undefined;
  if (!was || before?.profileId === after?.profileId) return undefined;
  return after?.direction === 'opens' ? 'other_profile' : undefined;
}

/** Rules that only one of the two lists has, and those that stand elsewhere among the ones that both have. */
function suspectRules({ before, after }: JointFabric): readonly ResolvedRule[] {
  const [old, now] = [
    new Map(before.map((rule) => [keyOf(rule), rule])),
    new Map(after.map((rule) => [keyOf(rule), rule])),
  ];
  const both = [...old.keys()].filter((key) => now.has(key));
  const order = [...now.keys()].filter((key) => old.has(key));
  const moved = new Set(both.flatMap((key, index) => (order[index] === key ? [] : [key, order[index] ?? key])));
  const only = [...old].filter(([key]) => !now.has(key)).concat([...now].filter(([key]) => !old.has(key)));
  return [...only.map(([, rule]) => rule), ...[...moved].flatMap((key) => now.get(key) ?? [])];
}

function keyOf({ ruleId, action, profileId, services, sources, destinations }: ResolvedRule): string {
  return JSON.stringify([ruleId, action, profileId, services, sources.key, destinations.key]);
}

function setsOf(rules: readonly ResolvedRule[]) {
  return rules.flatMap(({ sources, destinations }) => [sources, destinations]);
}

function concerned(source: RulesAt, destination: RulesAt): boolean {
  return bitsMeet(source.asSource, destination.asDestination) || bitsMeet(source.asDestination, destination.asSource);
}

interface Ends {
  readonly source: { readonly address: bigint; readonly site: ChangedSite };
  readonly destination: { readonly address: bigint; readonly site: ChangedSite };
}

/** An address of each region, at two sites; undefined: both are at one site only. */
function endsOf(source: RegionClass, destination: RegionClass, owners: readonly JointOwner[]): Ends | undefined {
  for (const from of source.regions) {
    const here = owners[from.owner];
    const to = destination.regions.find(({ owner }) => owners[owner]?.site !== here?.site);
    const there = to === undefined ? undefined : owners[to.owner];
    const [first, last] = [from.ranges[0]?.first, to?.ranges[0]?.first];
    if (here === undefined || there === undefined || first === undefined || last === undefined) continue;
    return { source: { address: first, site: siteOf(here) }, destination: { address: last, site: siteOf(there) } };
  }
  return undefined;
}

function siteOf({ siteId, siteName }: JointOwner): ChangedSite {
  return { siteId, siteName };
}

/** Ordered pairs of different sites. */
class PairSet {
  readonly #siteCount: number;
  readonly #bySource = new Map<number, Bitset>();

  constructor(siteCount: number) {
    this.#siteCount = siteCount;
  }

  get size(): number {
    let size = 0;
    for (const [source, bits] of this.#bySource) {
      for (const site of membersOf(bits)) if (site !== source) size += 1;
    }
    return size;
  }

  add(source: RegionClass, destination: RegionClass, owners: readonly JointOwner[]): void {
    const sites = new Set([...membersOf(destination.owners)].flatMap((owner) => owners[owner]?.site ?? []));
    for (const owner of membersOf(source.owners)) {
      const from = owners[owner]?.site;
      if (from === undefined) continue;
      const bits = this.#bySource.get(from) ?? emptyBits(this.#siteCount);
      for (const site of sites) if (!hasBit(bits, site)) setBit(bits, site);
      this.#bySource.set(from, bits);
    }
  }
}

const TCP = 6;
const WEB: Flow = { protocol: TCP, localPort: 49_152, remotePort: 443 };
/** Some seconds of one processor. An edit of a rule in a mesh of 1,000 sites with 2,000 rules needs a small part of it. */
const EFFORT = 100_000_000;
