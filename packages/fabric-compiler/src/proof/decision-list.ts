import type { RuleAction } from '../intent.js';
import { sameValue } from '../same-value.js';
import type { ResolvedService } from '../services.js';
import { hasPorts, serves } from './packet.js';

/** What one rule, or one SPD entry, says of packets between two regions: the addresses are settled, services are left. */
export interface Clause {
  readonly ruleId: string;
  readonly action: RuleAction;
  readonly profileId: string;
  /** Never empty. */
  readonly services: readonly ResolvedService[];
  /** Whose port the services are about: the remote one when the local side opens the flow. */
  readonly direction: 'opens' | 'answers';
}

/** Protocol and ports of a packet, as one end sees it. */
export interface Flow {
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
}

export interface Difference {
  readonly flow: Flow;
  readonly wanted: Clause | undefined;
  readonly found: Clause | undefined;
}

/** `whole`: what no clause matches is discarded; `part`: it is for the lists that follow to decide. */
export type ListScope = 'whole' | 'part';

/** A flow that the two lists decide differently, or undefined when there is none. The first match decides. */
export function firstDifference(
  wanted: readonly Clause[],
  found: readonly Clause[],
  scope: ListScope,
): Difference | undefined {
  if (sameClauses(wanted, found)) return undefined;
  for (const flow of flowClasses([...wanted, ...found])) {
    const one = decidingClause(wanted, flow);
    const other = decidingClause(found, flow);
    const settled = scope === 'whole' || (one === undefined) === (other === undefined);
    if (!settled || !sameDecision(one, other)) return { flow, wanted: one, found: other };
  }
  return undefined;
}

export function decidingClause(clauses: readonly Clause[], flow: Flow): Clause | undefined {
  return clauses.find((clause) => clauseMatches(clause, flow));
}

function sameDecision(one: Clause | undefined, other: Clause | undefined): boolean {
  const left = one?.action ?? 'DISCARD';
  if (left !== (other?.action ?? 'DISCARD')) return false;
  return left !== 'PROTECT' || one?.profileId === other?.profileId;
}

/**
 * One flow out of each class of flows that no clause tells apart: all flows, cut at every port and protocol that any clause
 * names. What holds for these holds for every flow.
 */
export function* flowClasses(clauses: readonly Clause[]): Generator<Flow> {
  const named = clauses.flatMap(({ services }) => services.map(({ protocol }) => protocol));
  const protocols = new Set(named.filter((protocol) => protocol !== 'any'));
  yield* flowsOf(otherThan(protocols), clauses);
  for (const protocol of [...protocols].sort((left, right) => left - right)) yield* flowsOf(protocol, clauses);
}

/** The same for the flows that one clause matches, and no others. */
export function* flowClassesOf(wanted: Clause, clauses: readonly Clause[]): Generator<Flow> {
  for (const { protocol, ports } of wanted.services) {
    if (protocol === 'any') yield* [...flowClasses([wanted, ...clauses])].filter((flow) => clauseMatches(wanted, flow));
    else if (hasPorts(protocol)) yield* flowsWithin(wanted, protocol, ports, clauses);
    else yield { protocol, localPort: 0, remotePort: 0 };
  }
}

function* flowsWithin(
  wanted: Clause,
  protocol: number,
  ports: ResolvedService['ports'],
  clauses: readonly Clause[],
): Generator<Flow> {
  const { direction } = wanted;
  const free = portStarts(clauses, protocol, direction === 'opens' ? 'answers' : 'opens');
  const bound = portStarts([...clauses, wanted], protocol, direction).filter(
    (port) => ports.length === 0 || ports.some(({ first, last }) => first <= port && port <= last),
  );
  for (const port of bound) for (const other of free) yield flowBetween(direction, protocol, other, port);
}

function flowBetween(direction: Clause['direction'], protocol: number, free: number, bound: number): Flow {
  return direction === 'opens'
    ? { protocol, localPort: free, remotePort: bound }
    : { protocol, localPort: bound, remotePort: free };
}

function* flowsOf(protocol: number, clauses: readonly Clause[]): Generator<Flow> {
  if (!hasPorts(protocol)) {
    yield { protocol, localPort: 0, remotePort: 0 };
    return;
  }
  const locals = portStarts(clauses, protocol, 'answers');
  const remotes = portStarts(clauses, protocol, 'opens');
  for (const localPort of locals) for (const remotePort of remotes) yield { protocol, localPort, remotePort };
}

/** First ports of the classes into which the clauses cut the ports of one side; one that a client would use comes first. */
function portStarts(clauses: readonly Clause[], protocol: number, direction: Clause['direction']): readonly number[] {
  const starts = new Set([0]);
  for (const clause of clauses) {
    if (clause.direction !== direction) continue;
    for (const service of clause.services) {
      if (service.protocol !== protocol) continue;
      for (const { first, last } of service.ports) {
        starts.add(first);
        if (last < MAX_PORT) starts.add(last + 1);
      }
    }
  }
  return [...starts].sort((left, right) => right - left);
}

/** A protocol that no clause names; when all have names, none is left to look at. TCP and UDP always get their ports. */
function otherThan(protocols: ReadonlySet<number>): number {
  for (let protocol = 253; protocol >= 0; protocol -= 1) {
    if (!protocols.has(protocol) && !hasPorts(protocol)) return protocol;
  }
  return 253;
}

function clauseMatches({ services, direction }: Clause, { protocol, localPort, remotePort }: Flow): boolean {
  return serves(services, protocol, direction === 'opens' ? remotePort : localPort);
}

/** Whether the lists are the same, clause by clause: then they decide every flow alike, and no flow needs a look. */
function sameClauses(left: readonly Clause[], right: readonly Clause[]): boolean {
  return (
    left.length === right.length &&
    left.every((clause, index) => {
      const other = right[index];
      return (
        other !== undefined &&
        clause.action === other.action &&
        clause.profileId === other.profileId &&
        clause.direction === other.direction &&
        (clause.services === other.services || sameValue(clause.services, other.services))
      );
    })
  );
}

const MAX_PORT = 65_535;
