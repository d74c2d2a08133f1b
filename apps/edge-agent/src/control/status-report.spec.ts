import { PathMtuSource, StatusReport } from '@weft/contracts/southbound';
import type { AssociationPath } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import { type TunnelNegotiation, UNTRIED } from '../ike/negotiation-state.js';
import { statusReport } from './status-report.js';

const PATH: AssociationPath = {
  pathMtu: 1400,
  source: 'probe',
  raiseAt: 700_000,
  outerIpHeader: 20,
  udpHeader: 8,
  espOverhead: 34,
  largestPacket: 1338,
  unused: 0,
  maximumSegmentSize4: 1298,
  maximumSegmentSize6: undefined,
};

describe('a status report', () => {
  it('has what the path of a tunnel carries, with the arithmetic and the round trip, as it arrives at the controller', () => {
    const report = StatusReport.decode(StatusReport.encode(statusReport(snapshot(PATH), new Date(9000))).finish());
    const [tunnel] = report.tunnels;
    expect(tunnel?.path).toEqual({
      pathMtu: 1400,
      source: PathMtuSource.PATH_MTU_SOURCE_PROBE,
      outerIpHeader: 20,
      udpHeader: 8,
      espOverhead: 34,
      largestPacket: 1338,
      unused: 0,
      maximumSegmentSize4: 1298,
      maximumSegmentSize6: 0,
      roundTripMicroseconds: 12_346,
      roundTripProbes: 2n ** 40n,
      roundTripAnswers: 5n,
    });
  });

  it('has where the IKE SA meets the peer, and nothing of that without one', () => {
    const path = {
      connection: 't',
      local: { address: Uint8Array.of(192, 0, 2, 1), port: 4500 },
      remote: { address: Uint8Array.of(198, 51, 100, 7), port: 40_001 },
      localBehindNat: true,
    };
    const up = { ...UNTRIED, established: true, path };
    const ikeOf = (negotiation: typeof up | typeof UNTRIED) =>
      statusReport(snapshot(PATH), new Date(9000), new Map([['t', negotiation]])).tunnels[0]?.ike;
    expect(ikeOf(up)).toMatchObject({
      remote: { address: '198.51.100.7', port: 40_001 },
      localBehindNat: true,
    });
    expect(ikeOf(UNTRIED)).toMatchObject({ remote: undefined, localBehindNat: false });
  });

  it('says that a tunnel waits, for traffic or for a host, and of others nothing', () => {
    const said = (waitsFor?: TunnelNegotiation['waitsFor']) => {
      const state = { ...UNTRIED, waitsFor };
      const report = statusReport(snapshot(undefined), new Date(9000), new Map([['t', state]]));
      return StatusReport.decode(StatusReport.encode(report).finish()).tunnels[0]?.ike?.waitsForTraffic;
    };
    expect([said('traffic'), said('host'), said()]).toEqual([true, true, undefined]);
  });

  it('says nothing of a path that nothing is known of, and of times by the wall clock', () => {
    const [tunnel] = statusReport(snapshot(undefined), new Date(9000)).tunnels;
    expect(tunnel?.path).toBeUndefined();
    expect(tunnel?.lastReceivedAt).toEqual(new Date(8000));
  });
});

function snapshot(path: AssociationPath | undefined): DataPlaneSnapshot {
  const tunnel = {
    tunnelId: 't',
    inboundSpis: [256],
    outboundSpi: 257,
    inboundPackets: 1n,
    inboundBytes: 2n,
    lastReceivedAt: 500,
    outboundPackets: 3n,
    outboundBytes: 4n,
    lastSentAt: 600,
    drops: [],
    rekeys: 0n,
    pathProbes: 0n,
    pathProbeAnswers: 0n,
    pathBlackHoles: 0n,
    pathMtuSearch: undefined,
    roundTripProbes: 2n ** 40n,
    roundTripAnswers: 5n,
    roundTrip: 12.3456,
  };
  const association = { tunnelId: 't', direction: 'outbound' as const, spi: 257, current: true, path };
  return {
    now: 1500,
    contentHash: undefined,
    associations: [association as DataPlaneSnapshot['associations'][number]],
    tunnels: [tunnel],
    groups: [],
    policies: [],
    drops: [],
    underlayErrors: [],
    pathMtuMessages: [],
    keepalives: 0n,
    workers: [],
  };
}
