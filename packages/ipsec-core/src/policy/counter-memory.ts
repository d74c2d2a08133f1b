import { PATH_MTU_SEARCH_STATES, type PathMtuSearchState } from './path-mtu-search.js';

/**
 * Where an engine keeps its counters. They are the caller's, who may keep them in a SharedArrayBuffer and read them while
 * packets pass; an engine that is given them again goes on counting. One engine at a time writes an array.
 *
 * Every counter is one aligned double. On the machines that Linux edges run on (x86-64, arm64) those are written and read
 * as a whole, although ECMAScript promises so for integers only.
 */
export interface CounterMemory {
  /** An array of TUNNEL_COUNTERS doubles, by TUNNEL_COUNTER: always the same for the same tunnel. */
  readonly tunnel: (tunnelId: string) => Float64Array;
  /** An array of POLICY_COUNTERS doubles, by POLICY_COUNTER: always the same for the same entry. */
  readonly policy: (entryId: string) => Float64Array;
  /** One double for each of DROP_REASONS. */
  readonly drops: Float64Array;
}

/** What passed through one tunnel. Octets are those of inner packets. */
export interface TunnelTraffic {
  readonly outboundPackets: bigint;
  readonly outboundBytes: bigint;
  readonly lastSentAt: number | undefined;
  readonly inboundPackets: bigint;
  readonly inboundBytes: bigint;
  readonly lastReceivedAt: number | undefined;
  /** Probes of the path MTU (RFC 8899) that were sent, and those that the peer answered. */
  readonly pathProbes: bigint;
  readonly pathProbeAnswers: bigint;
  /** How often packets of the size in use ceased to arrive. */
  readonly pathBlackHoles: bigint;
  /** Of the search for the path MTU; undefined: there is none. */
  readonly pathMtuSearch: PathMtuSearchState | undefined;
  /** Probes of a size that is known to pass, of the path MTU and of liveness: those without an answer were lost, there or back. */
  readonly roundTripProbes: bigint;
  readonly roundTripAnswers: bigint;
  /** Smoothed milliseconds until the peer has answered; undefined before the first answer, and without an association. */
  readonly roundTrip: number | undefined;
}

/** Packets that one policy entry decided. Those without a direction in their name are outbound. */
export interface PolicyTraffic {
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly inboundPackets: bigint;
  readonly inboundBytes: bigint;
}

/** Without an array, nothing was counted. */
export function readTunnelCounters(counters: Float64Array | undefined): TunnelTraffic {
  const outboundPackets = read(counters, TUNNEL_COUNTER.outboundPackets);
  const inboundPackets = read(counters, TUNNEL_COUNTER.inboundPackets);
  return {
    outboundPackets,
    outboundBytes: read(counters, TUNNEL_COUNTER.outboundBytes),
    lastSentAt: outboundPackets === 0n ? undefined : counters?.[TUNNEL_COUNTER.lastSentAt],
    inboundPackets,
    inboundBytes: read(counters, TUNNEL_COUNTER.inboundBytes),
    lastReceivedAt: inboundPackets === 0n ? undefined : counters?.[TUNNEL_COUNTER.lastReceivedAt],
    pathProbes: read(counters, TUNNEL_COUNTER.pathProbes),
    pathProbeAnswers: read(counters, TUNNEL_COUNTER.pathProbeAnswers),
    pathBlackHoles: read(counters, TUNNEL_COUNTER.pathBlackHoles),
    pathMtuSearch: PATH_MTU_SEARCH_STATES[(counters?.[TUNNEL_COUNTER.pathMtuSearch] ?? 0) - 1],
    roundTripProbes: read(counters, TUNNEL_COUNTER.roundTripProbes),
    roundTripAnswers: read(counters, TUNNEL_COUNTER.roundTripAnswers),
    roundTrip: counters?.[TUNNEL_COUNTER.roundTrip] || undefined,
  };
}

/** Without an array, nothing was counted. */
export function readPolicyCounters(counters: Float64Array | undefined): PolicyTraffic {
  return {
    packets: read(counters, POLICY_COUNTER.packets),
    bytes: read(counters, POLICY_COUNTER.bytes),
    inboundPackets: read(counters, POLICY_COUNTER.inboundPackets),
    inboundBytes: read(counters, POLICY_COUNTER.inboundBytes),
  };
}

export const TUNNEL_COUNTER = {
  outboundPackets: 0,
  outboundBytes: 1,
  lastSentAt: 2,
  inboundPackets: 3,
  inboundBytes: 4,
  lastReceivedAt: 5,
  pathProbes: 6,
  pathProbeAnswers: 7,
  pathBlackHoles: 8,
  /** 0: none; otherwise one more than the place in PATH_MTU_SEARCH_STATES. */
  pathMtuSearch: 9,
  roundTripProbes: 10,
  roundTripAnswers: 11,
  /** 0: none. */
  roundTrip: 12,
} as const;
export const TUNNEL_COUNTERS = 13;

export const POLICY_COUNTER = { packets: 0, bytes: 1, inboundPackets: 2, inboundBytes: 3 } as const;
export const POLICY_COUNTERS = 4;

/** Adds to one counter. */
export function addToCounter(counters: Float64Array, index: number, amount: number): void {
  counters[index] = (counters[index] ?? 0) + amount;
}

function read(counters: Float64Array | undefined, index: number): bigint {
  return BigInt(counters?.[index] ?? 0);
}
