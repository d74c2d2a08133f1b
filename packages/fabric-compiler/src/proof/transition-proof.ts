import type { CompiledFabric } from '../fabric/compile-shared.js';
import type { ResolvedRule } from '../resolved-rule.js';
import { sameValue } from '../same-value.js';
import type { Finding } from './finding.js';
import { formatPacket } from './packet.js';
import { decisionsIn } from './rule-space.js';
import { decidingRule, type OwnedPacket, ownerOf } from './rule-verdict.js';

/** Which revision something at an edge is of, while a new one is brought to it. */
export type Version = 'before' | 'after';

/** What an edge works with at one step. At any moment two edges are at the same step or at two that follow each other. */
export interface TransitionStep {
  readonly name: string;
  /** Whose peers, SAs and SPD what arrives is held against; of two, one that admits it is enough. */
  readonly accepts: readonly Version[];
  /** Whose SPD and peers what leaves is given to. */
  readonly sends: Version;
  /** Whose prefixes are routed into the overlay device. */
  readonly routes: readonly Version[];
}

/**
 * Make before break, as RFC 9061 appendix D.2 has it for SAs: first everybody accepts the new, then everybody sends it, then
 * the old goes. A step begins when all edges have finished the one in front of it.
 */
export const MAKE_BEFORE_BREAK: readonly TransitionStep[] = [
  { name: 'before', accepts: ['before'], sends: 'before', routes: ['before'] },
  { name: 'accept the new', accepts: ['before', 'after'], sends: 'before', routes: ['before', 'after'] },
  { name: 'send the new', accepts: ['before', 'after'], sends: 'after', routes: ['before', 'after'] },
  { name: 'retire the old', accepts: ['after'], sends: 'after', routes: ['after'] },
];

/**
 * Proves that no flow which both revisions protect is cut or uncovered on the way from one to the other, in any state that
 * the edges can be in. Both revisions must have been proven: then what an edge of a version sends, an edge that accepts this
 * version admits, for all packets, and only the pairs of steps are left to look at.
 */
export function proveTransition(
  before: CompiledFabric,
  after: CompiledFabric,
  steps: readonly TransitionStep[] = MAKE_BEFORE_BREAK,
): readonly Finding[] {
  if (before.bundles === after.bundles) return [];
  const of = { before, after };
  const findings: Finding[] = [];
  for (const [index, step] of steps.entries()) {
    findings.push(...uncoveredIn(step, of));
    for (const other of steps.slice(Math.max(0, index - 1), index + 2)) {
      if (!other.accepts.includes(step.sends)) findings.push(...cutBetween(step, other, of));
    }
  }
  return [...findings, ...wrongEnds(steps)];
}

/** Packets that the one step sends protected meet routes of the same step. */
function uncoveredIn(step: TransitionStep, of: Readonly<Record<Version, CompiledFabric>>): readonly Finding[] {
  if (step.routes.includes(step.sends)) return [];
  const routed = of[step.routes[0] ?? 'before'];
  const packet = packetOf(of[step.sends], (candidate) => {
    return ownerOf(candidate.destination, candidate.family, routed.plan.topology.ownership) === undefined;
  });
  if (packet === undefined && step.routes.length > 0) return [];
  return [
    unsafe(
      `While edges ${step.name}, they protect by the revision ${step.sends} and route by another one: packets leave in the clear`,
      packet,
      'Route what is sent: add routes with or before the SPD that needs them, and remove them after it.',
    ),
  ];
}

function cutBetween(
  sender: TransitionStep,
  receiver: TransitionStep,
  of: Readonly<Record<Version, CompiledFabric>>,
): readonly Finding[] {
  const receiving = receiver.accepts.map((version) => of[version]);
  const sending = of[sender.sends];
  const packet = packetOf(sending, (candidate) => !receiving.some((fabric) => protectedBy(fabric, candidate)));
  const shared = packetOf(sending, (candidate) => receiving.some((fabric) => protectedBy(fabric, candidate)));
  // Where the revisions agree on every flow, and on the tunnels, it does not matter whose a packet is.
  if (packet === undefined && (shared === undefined || sameTunnels(of.before, of.after))) return [];
  return [
    unsafe(
      `An edge at the step "${sender.name}" sends by the revision ${sender.sends} to one at the step "${receiver.name}", which does not accept it`,
      packet ?? shared,
      'Let every edge accept the new revision before any sends by it, and the old one until none does.',
    ),
  ];
}

function wrongEnds(steps: readonly TransitionStep[]): readonly Finding[] {
  const last = steps.at(-1);
  if (last?.sends === 'after' && last.accepts.join() === 'after') return [];
  return [unsafe('The last step leaves edges with the old revision', undefined, 'End with the new revision alone.')];
}

function sameTunnels(one: CompiledFabric, other: CompiledFabric): boolean {
  return (
    one.bundles.length === other.bundles.length &&
    one.bundles.every((bundle, edge) => {
      const digests = other.bundles[edge]?.peers.map(({ digest }) => digest) ?? [];
      return sameValue(
        bundle.peers.map(({ digest }) => digest.join()),
        digests.map((digest) => digest.join()),
      );
    })
  );
}

/** A packet that the revision protects, and that is as wanted. Rules that only one of the revisions has come first. */
function packetOf(fabric: CompiledFabric, wanted: (packet: OwnedPacket) => boolean): OwnedPacket | undefined {
  const { ownership } = fabric.plan.topology;
  for (const rule of fabric.rules) {
    if (rule.action !== 'PROTECT') continue;
    for (const { packet, clause } of decisionsIn(rule, upTo(rule, fabric.rules), ownership)) {
      if (clause?.action === 'PROTECT' && wanted(packet)) return packet;
    }
  }
  return undefined;
}

function upTo(rule: ResolvedRule, rules: readonly ResolvedRule[]): readonly ResolvedRule[] {
  return rules.slice(0, rules.indexOf(rule) + 1);
}

function protectedBy({ rules, plan }: CompiledFabric, packet: OwnedPacket): boolean {
  const { ownership } = plan.topology;
  const from = ownerOf(packet.source, packet.family, ownership);
  const to = ownerOf(packet.destination, packet.family, ownership);
  if (from === undefined || to === undefined || from === to) return false;
  return decidingRule(rules, { ...packet, from, to }, ownership)?.action === 'PROTECT';
}

function unsafe(what: string, packet: OwnedPacket | undefined, fix: string): Finding {
  return {
    kind: 'unsafe_transition',
    detail: packet === undefined ? `${what}.` : `${what}; for example ${formatPacket(packet)}.`,
    fix,
    edgeIds: [],
    ruleId: undefined,
    counterexample: packet,
  };
}
