import type { IkeStatus, StatusReport } from '@weft/contracts/southbound';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { NegotiationState } from '../ike/negotiation-state.js';

/**
 * A snapshot as the controller wants it. Pure.
 * @param takenAt wall-clock time of the snapshot
 * @param negotiations of the tunnels that this edge keys itself, by tunnel id
 */
export function statusReport(
  snapshot: DataPlaneSnapshot,
  takenAt: Date,
  negotiations: ReadonlyMap<string, NegotiationState> = new Map(),
): StatusReport {
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
      ...ikeStatus(negotiations.get(tunnel.tunnelId)),
    })),
    securityPolicies: snapshot.policies.map(({ entryId, packets, bytes }) => ({ entryId, packets, bytes })),
    drops: snapshot.drops.map(({ reason, packets }) => ({ reason, packets })),
  };
}

function ikeStatus(state: NegotiationState | undefined): { ike?: IkeStatus } {
  if (state === undefined) return {};
  const { established, keyExchangeMethods, ppk, failure, rekeys } = state;
  return { ike: { established, keyExchangeMethods: [...keyExchangeMethods], ppk, failure: failure ?? '', rekeys } };
}

/** Turns a time of the monotonic clock into a date. */
export function wallClock(at: number | undefined, snapshot: DataPlaneSnapshot, takenAt: Date): Date | undefined {
  return at === undefined ? undefined : new Date(takenAt.getTime() - (snapshot.now - at));
}
