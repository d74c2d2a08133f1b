import type { TunnelStatus } from '@weft/contracts/southbound';
import type { ObservedReports } from './status-reports.js';
import { NO_TRAFFIC, type TunnelTraffic } from './tunnel-state.js';

/** Counters of one tunnel at one end with their rates between the last two reports, by the clock of the edge. */
export function tunnelTraffic(
  reports: ObservedReports | undefined,
  tunnelId: string,
  direction: 'inbound' | 'outbound',
): TunnelTraffic {
  const last = statusOf(reports?.last, tunnelId);
  if (reports === undefined || last === undefined) return NO_TRAFFIC;
  const now = counters(last, direction);
  const previous = statusOf(reports.previous, tunnelId);
  const before = previous === undefined ? undefined : counters(previous, direction);
  const seconds = secondsBetween(reports);
  const rate = (to: bigint, from: bigint | undefined) =>
    seconds === undefined || from === undefined || to < from ? 0 : Number(to - from) / seconds;
  return {
    packets: safeNumber(now.packets),
    bytes: safeNumber(now.bytes),
    packetsPerSecond: rate(now.packets, before?.packets),
    bytesPerSecond: rate(now.bytes, before?.bytes),
  };
}

export function statusOf(report: ObservedReports['previous'], tunnelId: string): TunnelStatus | undefined {
  if (report === undefined) return undefined;
  const known = byTunnel.get(report) ?? new Map(report.tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
  byTunnel.set(report, known);
  return known.get(tunnelId);
}

/** A report is asked about each of its tunnels, and never changes. */
const byTunnel = new WeakMap<NonNullable<ObservedReports['previous']>, ReadonlyMap<string, TunnelStatus>>();

/** Counters are 64 bits wide; JSON numbers are exact up to 2^53 - 1 and stay there. */
export function safeNumber(value: bigint): number {
  return value > MAX_SAFE ? Number.MAX_SAFE_INTEGER : Number(value);
}

function counters(status: TunnelStatus, direction: 'inbound' | 'outbound'): { packets: bigint; bytes: bigint } {
  return direction === 'inbound'
    ? { packets: status.inboundPackets, bytes: status.inboundBytes }
    : { packets: status.outboundPackets, bytes: status.outboundBytes };
}

function secondsBetween({ last, previous }: ObservedReports): number | undefined {
  if (last.takenAt === undefined || previous?.takenAt === undefined) return undefined;
  const seconds = (last.takenAt.getTime() - previous.takenAt.getTime()) / 1000;
  return seconds > 0 ? seconds : undefined;
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
