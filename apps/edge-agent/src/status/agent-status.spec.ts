import { readTunnelCounters } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { type TunnelNegotiation, UNTRIED } from '../ike/negotiation-state.js';
import { AgentStatus, agentStatus } from './agent-status.js';
import { renderStatus, renderTunnels } from './render-status.js';

type Sources = Parameters<typeof agentStatus>[0];

function statusOf(
  news: Partial<Sources['snapshot']>,
  renewal: Partial<Sources['renewal']> = {},
  bundle?: Sources['bundle'],
  whoElse: {
    pending?: Sources['pending'];
    trust?: Partial<Sources['identity']>;
    closedNetworks?: number;
    negotiations?: Sources['negotiations'];
  } = {},
): AgentStatus {
  return agentStatus({
    identity: {
      edgeName: 'berlin',
      edgeId: 'e',
      tenantId: 't',
      notAfter: new Date(10 * 86_400_000),
      trustVersion: 0,
      trustBundle: ['root'],
      underIssuingRoot: true,
      ...whoElse.trust,
    } as never,
    pending: whoElse.pending,
    renewal: {
      condition: 'valid',
      renewalAt: new Date(86_400_000),
      renewals: 0,
      failures: 0,
      problem: undefined,
      ...renewal,
    },
    agentVersion: '1',
    device: 'weft0',
    connected: true,
    bundle,
    closedNetworks: whoElse.closedNetworks,
    snapshot: {
      now: 0,
      contentHash: undefined,
      associations: [],
      tunnels: [],
      groups: [],
      policies: [],
      drops: [],
      underlayErrors: [],
      pathMtuMessages: [],
      keepalives: 0n,
      workers: [
        {
          heartbeat: 1,
          replacements: 0,
          fromDevice: 0,
          passedOn: 0,
          busyMilliseconds: 250,
          idleMilliseconds: 750,
          outboundPackets: 0n,
          inboundPackets: 0n,
        },
      ],
      ...news,
    },
    negotiations: whoElse.negotiations ?? new Map(),
    blind: new Map(),
    ikeDrops: [],
    takenAt: new Date(0),
  });
}

describe('status', () => {
  it.each([
    [2, 'closed: waiting for the first policy (2 networks)'],
    [1, 'closed: waiting for the first policy (1 network)'],
    [0, 'waiting for the first policy; nothing is closed, for no network of another site is known'],
  ])('says of %d networks that are known before the first bundle: %s', (closedNetworks, said) => {
    const status = statusOf({}, {}, undefined, { closedNetworks });
    expect(AgentStatus.parse(JSON.parse(JSON.stringify(status)))).toEqual(status);
    expect(renderStatus(status)).toContain(`none; ${said}`);
  });

  it('shows what the underlay says about packets, and what came of "too big"', () => {
    const status = statusOf({
      underlayErrors: [
        { reason: 'too_big', messages: 3n },
        { reason: 'port_unreachable', messages: 2n ** 60n },
      ],
      pathMtuMessages: [{ outcome: 'path_mtu_lowered', messages: 1n }],
    });
    // As it travels over the local socket.
    expect(AgentStatus.parse(JSON.parse(JSON.stringify(status)))).toEqual(status);
    expect(renderStatus(status)).toContain(
      [
        'UNDERLAY SAYS     MESSAGES',
        'too_big           3',
        'port_unreachable  1152921504606846976',
        'path_mtu_lowered  1',
      ].join('\n'),
    );
  });

  it('says which algorithm packets to a peer are protected with, by the association that is used', () => {
    const tunnel = tunnelOf('esp');
    const bundle = {
      tunnels: new Map([['t', tunnel]]),
      underlay: tunnel.remote,
      revision: 1n,
      generation: 1n,
      contentHash: '00',
      overlayMtu: 1452,
      mappings: [],
    } as never;
    const association = (direction: string, current: boolean, suite: string) =>
      ({ tunnelId: 't', direction, current, suite }) as never;
    const associations = [
      association('inbound', true, 'aes-gcm-16'),
      association('outbound', false, 'aes-gcm-16'),
      association('outbound', true, 'chacha20-poly1305'),
    ];
    expect(statusOf({ associations }, {}, bundle).tunnels[0]?.suite).toBe('chacha20-poly1305');
    expect(renderTunnels(statusOf({ associations }, {}, bundle))).toContain('encrypted, chacha20-poly1305  ');
    expect(statusOf({}, {}, bundle).tunnels[0]?.suite).toBeNull();
  });

  it.each([
    ['esp', 'tunnel', 'encrypted'],
    ['ah', 'tunnel', 'authenticated, NOT ENCRYPTED (AH)'],
    ['esp', 'transport', 'encrypted, in transport mode'],
    ['ah', 'transport', 'authenticated, NOT ENCRYPTED (AH), in transport mode'],
  ] as const)('says what the packets of a tunnel of %s in %s mode are: %s', (protocol, mode, said) => {
    const tunnel = tunnelOf(protocol, mode);
    const tunnels = new Map([['t', tunnel]]);
    const status = statusOf({}, {}, {
      tunnels,
      underlay: tunnel.remote,
      revision: 1n,
      generation: 1n,
      mappings: [],
      contentHash: '00',
      overlayMtu: 1452,
    } as never);
    expect(AgentStatus.parse(JSON.parse(JSON.stringify(status)))).toEqual(status);
    const [header = '', row = ''] = renderTunnels(status).split('\n');
    const at = header.indexOf('PACKETS ARE');
    expect(row.slice(at).startsWith(`${said}  `)).toBe(true);
  });

  it('says that a host that comes from anywhere is waited for, and where it is met when it has come', () => {
    const tunnel = { ...tunnelOf('esp'), peerName: 'notebook', remote: undefined };
    const underlay = { text: '192.0.2.1', port: 4500 };
    const rest = { underlay, revision: 1n, generation: 1n, mappings: [], contentHash: '00', overlayMtu: 1452 };
    const bundle = { ...rest, tunnels: new Map([['t', tunnel]]) } as never;
    const met = { address: Uint8Array.of(203, 0, 113, 7), port: 61_000 };
    const path = { connection: 't', local: met, remote: met, localBehindNat: false };
    const shown = (state: TunnelNegotiation) => {
      const status = statusOf({}, {}, bundle, { negotiations: new Map([['t', state]]) });
      expect(AgentStatus.parse(JSON.parse(JSON.stringify(status)))).toEqual(status);
      return renderTunnels(status).split('\n')[1]?.split(/ {2,}/).slice(0, 3);
    };
    expect(shown({ ...UNTRIED, waitsFor: 'host' })).toEqual(['notebook', 'anywhere', 'waits for the host']);
    const failure = 'the peer did not ask for the configuration that it must have';
    const there = { ...UNTRIED, established: true, failure, path };
    expect(shown(there)).toEqual(['notebook', '203.0.113.7 port 61000', failure]);
  });

  it('shows by which prefixes the site and the fabric know a network', () => {
    const [local, overlay] = [{ text: '10.0.0.0/24' }, { text: '172.20.1.0/24' }];
    const bundle = {
      revision: 1n,
      generation: 1n,
      mappings: [{ local, overlay }],
      underlay: { text: '192.0.2.1', port: 4500 },
      tunnels: new Map(),
    } as never;
    const status = statusOf({}, {}, bundle);
    expect(status.bundle?.mappings).toEqual([{ local: '10.0.0.0/24', overlay: '172.20.1.0/24' }]);
    expect(renderStatus(status)).toMatch(/mapped 1:1 +10\.0\.0\.0\/24 here is 172\.20\.1\.0\/24 on the fabric/);
  });

  it('shows the arithmetic of every path, and how its MTU was found', () => {
    const tunnel = tunnelOf('esp');
    const path = {
      pathMtu: 1280,
      source: 'probe',
      raiseAt: undefined,
      outerIpHeader: 20,
      udpHeader: 8,
      espOverhead: 34,
      largestPacket: 1218,
      unused: 0,
      maximumSegmentSize4: 1178,
      maximumSegmentSize6: 1158,
    };
    const counted = {
      ...readTunnelCounters(undefined),
      rekeys: 0n,
      inboundSpis: [1],
      outboundSpi: 2,
      pathProbes: 9n,
      roundTrip: 9.876,
    };
    const associated = { associations: [{ tunnelId: 't', direction: 'outbound', current: true, path } as never] };
    const bundle = {
      tunnels: new Map([['t', tunnel]]),
      underlay: tunnel.remote,
      revision: 1n,
      generation: 1n,
      mappings: [],
    } as never;
    const found = { ...counted, tunnelId: 't', pathMtuSearch: 'search_complete' } as const;
    const status = statusOf({ ...associated, tunnels: [found] }, {}, bundle);
    expect(status.tunnels[0]?.path).toMatchObject({ pathMtu: 1280, search: 'search_complete', probes: '9' });
    expect(renderTunnels(status)).toContain(
      [
        'PATH TO  MTU   FOUND BY                - IP  - UDP  - ESP  - UNUSED  = LARGEST PACKET  TCP MSS V4 / V6  ROUND TRIP',
        'paris    1280  probe, search complete  20    8      34     0         1218              1178 / 1158      9.88 ms',
      ].join('\n'),
    );
    const lossy = { ...counted, tunnelId: 't', roundTrip: 250.4, roundTripProbes: 20n, roundTripAnswers: 17n };
    const shown = statusOf({ ...associated, tunnels: [lossy] }, {}, bundle);
    expect(renderTunnels(shown)).toMatch(/1178 \/ 1158 +250 ms, 3 of 20 probes lost$/m);
    expect(renderStatus(shown)).toMatch(/^packet path +1 thread, busy 25 % of the time$/m);
  });

  it('says whom it believes, and since when', () => {
    const line = (trust: Partial<Sources['identity']>) =>
      /^trust +(.*)$/m.exec(renderStatus(statusOf({}, {}, undefined, { trust })))?.[1];
    expect(line({})).toBe('1 certificate authority, as enrolled');
    expect(line({ trustVersion: 3, trustBundle: ['new', 'old'] })).toBe('2 certificate authorities, version 3');
    expect(line({ trustVersion: 3, underIssuingRoot: false })).toMatch(
      /version 3; the certificate is .* being renewed$/,
    );
  });

  it('shows an identity that waits, why, and what to do', () => {
    const shown = (pending: Sources['pending']) => {
      const status = statusOf({}, {}, undefined, { pending });
      expect(AgentStatus.parse(JSON.parse(JSON.stringify(status)))).toEqual(status);
      return /^new identity +(.*)$/m.exec(renderStatus(status))?.[1];
    };
    const edge = { name: 'berlin', id: 'f' };
    const problem = { reason: 'UNAVAILABLE: no route', fix: 'look there' };
    expect(shown(undefined)).toBeUndefined();
    expect(shown({ edge, problem: undefined })).toMatch(/^berlin \(f\) waits: .* restart the agent/);
    expect(shown({ edge, problem })).toBe('berlin (f) waits: UNAVAILABLE: no route (look there)');
    expect(shown({ edge: undefined, problem })).toBe('cannot be used: UNAVAILABLE: no route (look there)');
  });

  it('does not mention the underlay while it is silent', () => {
    expect(renderStatus(statusOf({}))).not.toContain('UNDERLAY SAYS');
  });

  it('says how long the certificate is good, and what to do when it is not', () => {
    const line = (renewal: Parameters<typeof statusOf>[1]) =>
      /^certificate +(.*)$/m.exec(renderStatus(statusOf({}, renewal)))?.[1];
    const until = 'valid until 1970-01-11T00:00:00.000Z, 10 days left';
    expect(line({})).toBe(`${until}; renewed from 1970-01-02T00:00:00.000Z on`);
    expect(line({ condition: 'renewal_due' })).toBe(`${until}; is being renewed`);
    const problem = { reason: 'no answer', fix: 'look there' };
    expect(line({ condition: 'renewal_due', problem })).toBe(`${until}; NOT RENEWED: no answer (look there)`);
    expect(line({ condition: 'expired' })).toMatch(/^EXPIRED 1970-01-11T00:00:00.000Z: .*`weft-edge enroll`$/);
    expect(line({ condition: 'not_yet_valid' })).toContain('set the clock');
    expect(statusOf({}, { problem }).certificate).toMatchObject({ secondsLeft: 864_000, problem });
  });
});

function tunnelOf(protocol: 'esp' | 'ah', mode: 'tunnel' | 'transport' = 'tunnel') {
  return { tunnelId: 't', peerName: 'paris', remote: { text: '192.0.2.1', port: 4500 }, profile: { protocol, mode } };
}
