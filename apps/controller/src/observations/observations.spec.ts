import type { StatusReport, TunnelStatus } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { newTunnelKeying, type TunnelKeying } from '../keying/tunnel-keying.js';
import { externalCondition } from './external-condition.js';
import { negotiatedCondition } from './negotiated-condition.js';
import { tunnelTraffic } from './rates.js';
import { StatusReports } from './status-reports.js';
import { tunnelCondition } from './tunnel-condition.js';

describe('rates', () => {
  it('are those between the last two reports, by the clock of the edge', () => {
    const reports = new StatusReports();
    reports.record('edge', 'boot', report(1000, { inboundPackets: 10n, inboundBytes: 1000n }));
    expect(tunnelTraffic(reports.of('edge'), 'tunnel', 'inbound')).toEqual({
      packets: 10,
      bytes: 1000,
      packetsPerSecond: 0,
      bytesPerSecond: 0,
    });
    reports.record('edge', 'boot', report(3000, { inboundPackets: 30n, inboundBytes: 9000n }));
    expect(tunnelTraffic(reports.of('edge'), 'tunnel', 'inbound')).toEqual({
      packets: 30,
      bytes: 9000,
      packetsPerSecond: 10,
      bytesPerSecond: 4000,
    });
  });

  it('start again with the agent, and are zero when a clock stands still or a tunnel is new', () => {
    const reports = new StatusReports();
    reports.record('edge', 'boot 1', report(1000, { outboundBytes: 5000n }));
    reports.record('edge', 'boot 2', report(2000, { outboundBytes: 6000n }));
    expect(tunnelTraffic(reports.of('edge'), 'tunnel', 'outbound').bytesPerSecond).toBe(0);
    reports.record('edge', 'boot 2', report(2000, { outboundBytes: 7000n }));
    expect(tunnelTraffic(reports.of('edge'), 'tunnel', 'outbound')).toMatchObject({ bytes: 7000, bytesPerSecond: 0 });
    expect(tunnelTraffic(reports.of('edge'), 'another', 'outbound').bytes).toBe(0);
  });

  it('stay exact or stop at the largest exact number', () => {
    const reports = new StatusReports();
    reports.record('edge', 'boot', report(1000, { inboundBytes: 2n ** 60n }));
    expect(tunnelTraffic(reports.of('edge'), 'tunnel', 'inbound').bytes).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('the condition of a tunnel', () => {
  const end = newTunnelKeying('t', exampleSpec()).ends[0];
  const ready = { ...end, connected: true, ready: true };
  const pair = { spis: [256, 257] } as const;

  it.each<[string, Partial<TunnelKeying>, string, string | null]>([
    ['nobody', {}, 'down', 'paris and tokyo are not connected to the controller.'],
    ['one end', { ends: [ready, end] }, 'down', 'tokyo is not connected to the controller.'],
    [
      'one end after it was up',
      { ends: [ready, end], current: pair },
      'down',
      'tokyo is not connected to the controller; traffic may continue on the installed associations.',
    ],
    [
      'an end without the bundle',
      { ends: [{ ...ready, ready: false }, ready] },
      'establishing',
      'paris has yet to apply the bundle that holds the tunnel.',
    ],
    ['both', { ends: [ready, ready] }, 'establishing', 'Security associations are being installed at both edges.'],
    [
      'both after a failure',
      { ends: [ready, ready], lastFailure: { side: 0, reason: 'paris refused install_inbound: full' } },
      'down',
      'The last attempt failed and is repeated: paris refused install_inbound: full.',
    ],
    ['both with a pair', { ends: [ready, ready], current: pair }, 'up', null],
  ])('with %s', (_, change, state, reason) => {
    expect(tunnelCondition({ ...newTunnelKeying('t', exampleSpec()), ...change })).toEqual({ state, reason });
  });
});

describe('the condition of a tunnel that the edges key themselves', () => {
  const status = (inbound: number[], outbound: number, failure = ''): TunnelStatus => ({
    ...tunnelStatus({ inboundSpis: inbound, outboundSpi: outbound }),
    ike: {
      established: failure === '',
      keyExchangeMethods: [31, 36],
      ppk: false,
      failure,
      rekeys: 0n,
      localBehindNat: false,
    },
  });
  const end = (connected: boolean, of: TunnelStatus | undefined) => ({ connected, status: of });
  const [paris, tokyo] = [status([300, 301], 400), status([400], 301)];
  const waits = waiting(status([], 0));
  const NOTHING_PASSES = 'It is negotiated when there is traffic for it, and there is none.';

  it.each([
    ['both report what the other sends on', end(true, paris), end(true, tokyo), 'up', null],
    [
      'nothing is reported yet',
      end(true, undefined),
      end(true, undefined),
      'establishing',
      'The edges are negotiating.',
    ],
    [
      'one end lacks what the other sends on',
      end(true, paris),
      end(true, status([], 0)),
      'establishing',
      'The edges are negotiating.',
    ],
    [
      'one end says why not',
      end(true, status([], 0)),
      end(true, status([], 0, 'no proposal chosen')),
      'down',
      'tokyo reports: no proposal chosen',
    ],
    ['both wait for traffic', end(true, waits), end(true, waits), 'waiting', NOTHING_PASSES],
    ['one has ended what nothing passed on', end(true, waits), end(true, tokyo), 'waiting', NOTHING_PASSES],
    [
      'one waits, and the other was asked for it and failed',
      end(true, waits),
      end(true, status([], 0, 'the peer is silent')),
      'down',
      'tokyo reports: the peer is silent',
    ],
    [
      'one waits, and the other is away',
      end(true, waits),
      end(false, undefined),
      'down',
      'tokyo is not connected to the controller.',
    ],
    [
      'an edge is away and the tunnel was there',
      end(true, paris),
      end(false, tokyo),
      'down',
      'tokyo is not connected to the controller; the edges need no controller to go on with their traffic.',
    ],
    [
      'both are away',
      end(false, undefined),
      end(false, undefined),
      'down',
      'paris and tokyo are not connected to the controller.',
    ],
  ])('when %s', (_, one, other, state, reason) => {
    expect(negotiatedCondition({ ...exampleSpec(), keyingMode: 'ikev2' }, [one, other])).toEqual({ state, reason });
  });

  it.each([
    ['nothing refuses it', undefined, 'establishing', 'The edges are agreeing on keys.'],
    [
      'an end does not run its bundle',
      'its agent does not offer it',
      'down',
      'tokyo does not run the bundle that holds the tunnel: its agent does not offer it',
    ],
  ])('of edges that agree by relayed messages, when %s', (_, refusal, state, reason) => {
    const spec = { ...exampleSpec(), keyingMode: 'controller-blind' } as const;
    const refusing = { ...end(true, undefined), refusal };
    expect(negotiatedCondition(spec, [end(true, undefined), refusing])).toEqual({ state, reason });
    // What it ran before goes on.
    expect(negotiatedCondition(spec, [end(true, paris), { ...end(true, tokyo), refusal }]).state).toBe('up');
  });
});

describe('the condition of a tunnel with an external peer', () => {
  const said = (inboundSpis: number[], outboundSpi: number, established: boolean, failure = ''): TunnelStatus => ({
    ...tunnelStatus({ inboundSpis, outboundSpi }),
    ike: {
      established,
      keyExchangeMethods: established ? [31] : [],
      ppk: false,
      failure,
      rekeys: 0n,
      localBehindNat: false,
    },
  });
  const refused = 'the gateway refused the Child SA: TS_UNACCEPTABLE';
  const GATEWAY = { address: '203.0.113.9' };
  const AWAITED = 'It is negotiated when the host calls, which it has not, or has left.';

  it.each([
    ['nothing is reported yet', true, undefined, 'establishing', 'The edge calls the gateway; there is no IKE SA yet.'],
    [
      'there is nothing',
      true,
      said([], 0, false),
      'establishing',
      'The edge calls the gateway; there is no IKE SA yet.',
    ],
    [
      'only the IKE SA is there',
      true,
      said([], 0, true),
      'establishing',
      'The IKE SA is established; the Child SA is being negotiated.',
    ],
    [
      'it can only receive',
      true,
      said([300], 0, true),
      'establishing',
      'The IKE SA is established; the Child SA is being negotiated.',
    ],
    ['the gateway refused', true, said([], 0, true, refused), 'down', `The edge reports: ${refused}`],
    [
      'it waits for traffic',
      true,
      waiting(said([], 0, false)),
      'waiting',
      'It is negotiated when there is traffic for it, and there is none.',
    ],
    ['both are there', true, said([300], 400, true), 'up', null],
    ['an attempt to replace them failed', true, said([300], 400, true, refused), 'up', null],
    ['the edge is away', false, undefined, 'down', 'The edge is not connected to the controller.'],
    [
      'the edge is away and both were there',
      false,
      said([300], 400, true),
      'down',
      'The edge is not connected to the controller; it needs no controller to go on with its traffic.',
    ],
  ])('when %s', (_, connected, status, state, reason) => {
    expect(externalCondition({ connected, status }, GATEWAY)).toEqual({ state, reason });
  });

  it.each([
    ['nothing is reported yet', undefined, 'waiting', AWAITED],
    ['the host has not called', waiting(said([], 0, false)), 'waiting', AWAITED],
    ['the host is there', said([300], 400, true), 'up', null],
    ['the host asks for what it does not get', said([], 0, true, refused), 'down', `The edge reports: ${refused}`],
  ])('of a remote host when %s', (_, status, state, reason) => {
    expect(externalCondition({ connected: true, status }, { address: null })).toEqual({ state, reason });
  });
});

function waiting({ ike, ...status }: TunnelStatus): TunnelStatus {
  return { ...status, ...(ike === undefined ? {} : { ike: { ...ike, established: false, waitsForTraffic: true } }) };
}

function exampleSpec(): TunnelKeying['spec'] {
  return {
    ends: [
      { edgeId: 'a', name: 'paris', address: '203.0.113.1', port: 4500 },
      { edgeId: 'b', name: 'tokyo', address: '203.0.113.2', port: 4500 },
    ],
    keyingMode: 'ike-less',
    profile: {
      protocol: 'esp',
      encryption: 'aes-gcm-16',
      keyBits: 256,
      replayWindow: 1024,
      extendedSequenceNumbers: true,
      encapsulation: 'udp',
    },
  };
}

function report(milliseconds: number, counters: Partial<TunnelStatus>): StatusReport {
  return { takenAt: new Date(milliseconds), tunnels: [tunnelStatus(counters)], securityPolicies: [], drops: [] };
}

function tunnelStatus(counters: Partial<TunnelStatus>): TunnelStatus {
  return {
    tunnelId: 'tunnel',
    inboundSpis: [],
    outboundSpi: 0,
    inboundPackets: 0n,
    inboundBytes: 0n,
    outboundPackets: 0n,
    outboundBytes: 0n,
    lastReceivedAt: undefined,
    ...counters,
  };
}
