import type { StatusReport } from '@weft/contracts/southbound';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';

/** A snapshot as the controller wants it. Pure. @param takenAt wall-clock time of the snapshot */
export function statusReport(snapshot: DataPlaneSnapshot, takenAt: Date): StatusReport {
  return {
    takenAt,
    tunnels: snapshot.tunnels.map((tunnel) => ({
      tunnelId: tunnel.tunnelId,
      inboundSpis: [...tunnel.inboundSpis],
      outboundSpi: tunnel.outboundSpi ?? 0,
      inboundPackets: tunnel.inboundPackets,
      inboundBytes: tunnel.inboundBytes,
      outboundPackets: tunnel.outboundPackets,
      outboundBytes: tunnel.outboundBytes,
      lastReceivedAt: wallClock(tunnel.lastReceivedAt, snapshot, takenAt),
    })),
    securityPolicies: snapshot.policies.map(({ entryId, packets, bytes }) => ({ entryId, packets, bytes })),
    drops: snapshot.drops.map(({ reason, packets }) => ({ reason, packets })),
  };
}

/** Turns a time of the monotonic clock into a date. */
export function wallClock(at: number | undefined, snapshot: DataPlaneSnapshot, takenAt: Date): Date | undefined {
  return at === undefined ? undefined : new Date(takenAt.getTime() - (snapshot.now - at));
}
