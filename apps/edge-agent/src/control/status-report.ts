import { type IkeStatus, PathMtuSource, type PathStatus, type StatusReport } from '@weft/contracts/southbound';
import { type AssociationPath, formatAddress, type TunnelCounters } from '@weft/ipsec-core';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { TunnelNegotiation } from '../ike/negotiation-state.js';
import { pathOf } from '../status/path-of.js';

/**
 * A snapshot as the controller wants it. Pure.
 * @param takenAt wall-clock time of the snapshot
 * @param negotiations of the tunnels that this edge keys itself, by tunnel id
 */
export function statusReport(
  snapshot: DataPlaneSnapshot,
  takenAt: Date,
  negotiations: ReadonlyMap<string, TunnelNegotiation> = new Map(),
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
      ...pathStatus(tunnel, pathOf(snapshot, tunnel.tunnelId)),
    })),
    securityPolicies: snapshot.policies.map(({ entryId, packets, bytes }) => ({ entryId, packets, bytes })),
    drops: snapshot.drops.map(({ reason, packets }) => ({ reason, packets })),
  };
}

function ikeStatus(state: TunnelNegotiation | undefined): { ike?: IkeStatus } {
  if (state === undefined) return {};
  const { established, keyExchangeMethods, ppk, failure, rekeys, path, waitsFor } = state;
  return {
    ike: {
      established,
      keyExchangeMethods: [...keyExchangeMethods],
      ppk,
      failure: failure ?? '',
      rekeys,
      remote: path && { address: formatAddress(path.remote.address), port: path.remote.port },
      localBehindNat: path?.localBehindNat ?? false,
      ...(waitsFor === undefined ? {} : { waitsForTraffic: true }),
    },
  };
}

function pathStatus(tunnel: TunnelCounters, path: AssociationPath | undefined): { path?: PathStatus } {
  if (path === undefined) return {};
  const { source, raiseAt: _, maximumSegmentSize4, maximumSegmentSize6, ...arithmetic } = path;
  return {
    path: {
      ...arithmetic,
      source: SOURCES[source],
      maximumSegmentSize4: maximumSegmentSize4 ?? 0,
      maximumSegmentSize6: maximumSegmentSize6 ?? 0,
      roundTripMicroseconds: Math.min(Math.round((tunnel.roundTrip ?? 0) * 1000), LARGEST_UINT32),
      roundTripProbes: tunnel.roundTripProbes,
      roundTripAnswers: tunnel.roundTripAnswers,
    },
  };
}

/** Turns a time of the monotonic clock into a date. */
export function wallClock(at: number | undefined, snapshot: DataPlaneSnapshot, takenAt: Date): Date | undefined {
  return at === undefined ? undefined : new Date(takenAt.getTime() - (snapshot.now - at));
}

const SOURCES: Readonly<Record<AssociationPath['source'], PathMtuSource>> = {
  configured: PathMtuSource.PATH_MTU_SOURCE_CONFIGURED,
  icmp: PathMtuSource.PATH_MTU_SOURCE_ICMP,
  probe: PathMtuSource.PATH_MTU_SOURCE_PROBE,
};

const LARGEST_UINT32 = 0xffff_ffff;
