import {
  type CounterMemory,
  DROP_REASONS,
  POLICY_COUNTERS,
  type PolicyTraffic,
  readPolicyCounters,
  readTunnelCounters,
  TUNNEL_COUNTERS,
  type TunnelTraffic,
  UNPROTECTED_ICMP_OUTCOMES,
} from '@weft/ipsec-core';
import { IO_DROP_REASONS, IoCounters } from './io-counters.js';
import type { DataPlaneSnapshot } from './messages.js';
import { UNDERLAY_ERROR_REASONS } from './underlay-error-reason.js';
import { WorkerMemory } from './worker-memory.js';

/** Counters by name, as they travel to a worker: the arrays lie in memory that both sides see. */
export type NamedCounters = readonly (readonly [name: string, counters: Float64Array])[];

/** Where one worker counts, as the main thread sees it. It stays when the thread is replaced. */
export class SharedCounters {
  readonly memory = new WorkerMemory();
  readonly io = new IoCounters(this.memory.io);
  readonly #policies = new Map<string, Float64Array>();
  readonly #tunnels = new Map<string, Float64Array>();

  /** The arrays of these entries, made where there are none yet. */
  policies(entryIds: readonly string[]): NamedCounters {
    return arraysOf(this.#policies, entryIds, POLICY_COUNTERS);
  }

  /** The same for tunnels. */
  tunnels(tunnelIds: readonly string[]): NamedCounters {
    return arraysOf(this.#tunnels, tunnelIds, TUNNEL_COUNTERS);
  }

  /** Forgets all but these. */
  keep(entryIds: readonly string[], tunnelIds: readonly string[]): void {
    keepOnly(this.#policies, new Set(entryIds));
    keepOnly(this.#tunnels, new Set(tunnelIds));
  }

  policy(entryId: string): Float64Array | undefined {
    return this.#policies.get(entryId);
  }

  tunnel(tunnelId: string): Float64Array | undefined {
    return this.#tunnels.get(tunnelId);
  }

  tunnelIds(): readonly string[] {
    return [...this.#tunnels.keys()];
  }
}

/** The counters of a worker as its engine wants them: those that the main thread has named. */
export class GivenCounters implements CounterMemory {
  readonly drops: Float64Array;
  #policies: ReadonlyMap<string, Float64Array> = new Map();
  #tunnels = new Map<string, Float64Array>();

  constructor(memory: WorkerMemory) {
    this.drops = memory.drops;
  }

  /** To be called before the policies and associations that count there are installed. */
  give(policies: NamedCounters, tunnels: NamedCounters): void {
    this.#policies = new Map(policies);
    this.#tunnels = new Map(tunnels);
  }

  giveTunnels(tunnels: NamedCounters): void {
    for (const [tunnelId, counters] of tunnels) this.#tunnels.set(tunnelId, counters);
  }

  readonly policy = (entryId: string): Float64Array => this.#policies.get(entryId) ?? new Float64Array(POLICY_COUNTERS);

  readonly tunnel = (tunnelId: string): Float64Array =>
    this.#tunnels.get(tunnelId) ?? new Float64Array(TUNNEL_COUNTERS);
}

/** What the underlay said, and what came of it, summed over workers: what happened at least once. */
export function sumOfNews(
  workers: readonly SharedCounters[],
): Pick<DataPlaneSnapshot, 'underlayErrors' | 'pathMtuMessages'> {
  const sum = (counters: (memory: WorkerMemory) => Float64Array, index: number) =>
    workers.reduce((total, { memory }) => total + BigInt(counters(memory)[index] ?? 0), 0n);
  const happened = ({ messages }: { messages: bigint }) => messages > 0n;
  return {
    underlayErrors: UNDERLAY_ERROR_REASONS.map((reason, index) => ({
      reason,
      messages: sum(({ underlayErrors }) => underlayErrors, index),
    })).filter(happened),
    pathMtuMessages: UNPROTECTED_ICMP_OUTCOMES.map((outcome, index) => ({
      outcome,
      messages: sum(({ pathMtuMessages }) => pathMtuMessages, index),
    })).filter(happened),
  };
}

/** Sums over workers of what happened at least once, in the order of the lists of reasons. */
export function sumOfDrops(workers: readonly SharedCounters[]): { reason: string; packets: bigint }[] {
  const sumsOf = (reasons: readonly string[], counters: (worker: SharedCounters) => Float64Array) =>
    reasons.map((reason, index) => ({
      reason,
      packets: sum(workers.map((worker) => BigInt(counters(worker)[index] ?? 0))),
    }));
  return [
    ...sumsOf(DROP_REASONS, ({ memory }) => memory.drops),
    ...sumsOf(IO_DROP_REASONS, ({ memory }) => memory.io),
  ].filter(({ packets }) => packets > 0n);
}

/** What one tunnel carried, over all workers. */
export function sumOfTunnel(workers: readonly SharedCounters[], tunnelId: string): TunnelTraffic {
  const all = workers.map((worker) => readTunnelCounters(worker.tunnel(tunnelId)));
  return {
    outboundPackets: sum(all.map(({ outboundPackets }) => outboundPackets)),
    outboundBytes: sum(all.map(({ outboundBytes }) => outboundBytes)),
    lastSentAt: latest(all.map(({ lastSentAt }) => lastSentAt)),
    inboundPackets: sum(all.map(({ inboundPackets }) => inboundPackets)),
    inboundBytes: sum(all.map(({ inboundBytes }) => inboundBytes)),
    lastReceivedAt: latest(all.map(({ lastReceivedAt }) => lastReceivedAt)),
    pathProbes: sum(all.map(({ pathProbes }) => pathProbes)),
    pathProbeAnswers: sum(all.map(({ pathProbeAnswers }) => pathProbeAnswers)),
    pathBlackHoles: sum(all.map(({ pathBlackHoles }) => pathBlackHoles)),
    pathMtuSearch: all.find(({ pathMtuSearch }) => pathMtuSearch !== undefined)?.pathMtuSearch,
    roundTripProbes: sum(all.map(({ roundTripProbes }) => roundTripProbes)),
    roundTripAnswers: sum(all.map(({ roundTripAnswers }) => roundTripAnswers)),
    roundTrip: all.find(({ roundTrip }) => roundTrip !== undefined)?.roundTrip,
    drops: sumOfReasons(all.map(({ drops }) => drops)),
  };
}

/** What one worker has protected, and opened, in all tunnels together. */
export function carried(worker: SharedCounters): { readonly outboundPackets: bigint; readonly inboundPackets: bigint } {
  const all = worker.tunnelIds().map((tunnelId) => readTunnelCounters(worker.tunnel(tunnelId)));
  return {
    outboundPackets: sum(all.map(({ outboundPackets }) => outboundPackets)),
    inboundPackets: sum(all.map(({ inboundPackets }) => inboundPackets)),
  };
}

/** What one policy entry decided, over all workers. */
export function sumOfPolicy(workers: readonly SharedCounters[], entryId: string): PolicyTraffic {
  const all = workers.map((worker) => readPolicyCounters(worker.policy(entryId)));
  return {
    packets: sum(all.map(({ packets }) => packets)),
    bytes: sum(all.map(({ bytes }) => bytes)),
    inboundPackets: sum(all.map(({ inboundPackets }) => inboundPackets)),
    inboundBytes: sum(all.map(({ inboundBytes }) => inboundBytes)),
    drops: sumOfReasons(all.map(({ drops }) => drops)),
  };
}

/** In the order in which the first worker has them, and then the others. */
function sumOfReasons<Reason extends string>(
  workers: readonly (readonly { readonly reason: Reason; readonly packets: bigint }[])[],
): readonly { readonly reason: Reason; readonly packets: bigint }[] {
  const sums = new Map<Reason, bigint>();
  for (const { reason, packets } of workers.flat()) sums.set(reason, (sums.get(reason) ?? 0n) + packets);
  return [...sums].map(([reason, packets]) => ({ reason, packets }));
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((last, at) => (at !== undefined && (last === undefined || at > last) ? at : last), undefined);
}

function arraysOf(known: Map<string, Float64Array>, names: readonly string[], counters: number): NamedCounters {
  const unknown = [...new Set(names)].filter((name) => !known.has(name));
  const stride = Math.ceil((counters * Float64Array.BYTES_PER_ELEMENT) / CACHE_LINE) * CACHE_LINE;
  const fresh = new SharedArrayBuffer(unknown.length * stride);
  for (const [index, name] of unknown.entries()) known.set(name, new Float64Array(fresh, index * stride, counters));
  return names.flatMap((name) => {
    const array = known.get(name);
    return array === undefined ? [] : [[name, array] as const];
  });
}

function keepOnly(known: Map<string, Float64Array>, names: ReadonlySet<string>): void {
  for (const name of known.keys()) if (!names.has(name)) known.delete(name);
}

const CACHE_LINE = 64;
