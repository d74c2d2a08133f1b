import { DROP_REASON_INDEX, DROP_REASONS, type DropReason } from './drop-reason.js';
import { PATH_MTU_SEARCH_STATES, type PathMtuSearchState } from './path-mtu-search.js';

/**
 * Where an engine keeps its counters. They are the caller's, who may keep them in a SharedArrayBuffer and read them while
 * packets pass; an engine that is given them again goes on counting. One engine at a time writes an array.
 *
 * Every counter is one aligned double. On the machines that Linux edges run on (x86-64, arm64) those are written and read
 * as a whole, although ECMAScript promises so for integers only.
 */
export interface CounterMemory {
  /** An array of TUNNEL_COUNTERS doubles, by TUNNEL_COUNTER, then by DROP_REASONS: always the same for the same tunnel. */
  readonly tunnel: (tunnelId: string) => Float64Array;
  /** An array of POLICY_COUNTERS doubles, by POLICY_COUNTER, then by ENTRY_DROP_REASONS: always the same for the same entry. */
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
  /** Packets that were discarded after their tunnel was known; only what happened. */
  readonly drops: readonly { readonly reason: DropReason; readonly packets: bigint }[];
}

/** Packets that one policy entry decided. Those without a direction in their name are outbound. */
export interface PolicyTraffic {
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly inboundPackets: bigint;
  readonly inboundBytes: bigint;
  /** Packets that were discarded after the entry was known; only what happened. */
  readonly drops: readonly { readonly reason: EntryDropReason; readonly packets: bigint }[];
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
    drops: readDrops(counters, DROP_REASONS, FIRST_TUNNEL_DROP),
  };
}

/** Without an array, nothing was counted. */
export function readPolicyCounters(counters: Float64Array | undefined): PolicyTraffic {
  return {
    packets: read(counters, POLICY_COUNTER.packets),
    bytes: read(counters, POLICY_COUNTER.bytes),
    inboundPackets: read(counters, POLICY_COUNTER.inboundPackets),
    inboundBytes: read(counters, POLICY_COUNTER.inboundBytes),
    drops: readDrops(counters, ENTRY_DROP_REASONS, FIRST_ENTRY_DROP),
  };
}

/** Adds to the packets of a tunnel that were discarded. */
export function countTunnelDrop(counters: Float64Array, reason: DropReason, packets: number): void {
  addToCounter(counters, FIRST_TUNNEL_DROP + DROP_REASON_INDEX[reason], packets);
}

/** Adds to the packets of an entry that were discarded. */
export function countEntryDrop(counters: Float64Array, reason: DropReason, packets: number): void {
  addToCounter(counters, FIRST_ENTRY_DROP + ENTRY_DROP_INDEX[reason], packets);
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
const FIRST_TUNNEL_DROP = 13;
export const TUNNEL_COUNTERS = FIRST_TUNNEL_DROP + DROP_REASONS.length;

export const POLICY_COUNTER = { packets: 0, bytes: 1, inboundPackets: 2, inboundBytes: 3 } as const;

/**
 * What is told apart of the packets of an entry that were discarded. An edge may have a hundred thousand entries: the reasons
 * that few packets have are one, so that the counters of an entry fill two cache lines.
 */
export const ENTRY_DROP_REASONS = [
  'spd_discard',
  'no_association',
  'association_expired',
  'sequence_exhausted',
  'exceeds_path_mtu',
  'fragment_without_ports',
  'fragment_in_transport_mode',
  'fragment_overlap',
  'protection_required',
  'selector_mismatch',
  'icmp_error_mismatch',
  'other',
] as const;
export type EntryDropReason = (typeof ENTRY_DROP_REASONS)[number];

const FIRST_ENTRY_DROP = 4;
export const POLICY_COUNTERS = FIRST_ENTRY_DROP + ENTRY_DROP_REASONS.length;

/** Adds to one counter. */
export function addToCounter(counters: Float64Array, index: number, amount: number): void {
  counters[index] = (counters[index] ?? 0) + amount;
}

function read(counters: Float64Array | undefined, index: number): bigint {
  return BigInt(counters?.[index] ?? 0);
}

function readDrops<Reason>(counters: Float64Array | undefined, reasons: readonly Reason[], first: number) {
  return reasons.flatMap((reason, index) => {
    const packets = read(counters, first + index);
    return packets === 0n ? [] : [{ reason, packets }];
  });
}

const ENTRY_DROP_INDEX = Object.fromEntries(
  DROP_REASONS.map((reason) => {
    const index = (ENTRY_DROP_REASONS as readonly string[]).indexOf(reason);
    return [reason, index === -1 ? ENTRY_DROP_REASONS.indexOf('other') : index];
  }),
) as Readonly<Record<DropReason, number>>;
