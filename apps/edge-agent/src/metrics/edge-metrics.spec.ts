import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UNTRIED } from '../ike/negotiation-state.js';
import { edgeMetrics, type MetricSources, renderMetrics } from './edge-metrics.js';
import { METRICS } from './metric-table.js';

const PLACE = { address: Uint8Array.of(192, 0, 2, 1), port: 4500 };

const TUNNEL: MetricSources['snapshot']['tunnels'][number] = {
  tunnelId: 't',
  inboundSpis: [1],
  outboundSpi: 2,
  inboundPackets: 2n ** 60n,
  inboundBytes: 20n,
  pathProbes: 5n,
  pathProbeAnswers: 4n,
  pathBlackHoles: 1n,
  pathMtuSearch: 'search_complete',
  roundTripProbes: 6n,
  roundTripAnswers: 5n,
  roundTrip: 12.5,
  outboundPackets: 3n,
  outboundBytes: 30n,
  lastReceivedAt: 60_000,
  lastSentAt: 60_000,
  drops: [{ reason: 'replayed', packets: 3n }],
  rekeys: 21n,
};

/** An edge at which everything has happened, and that a host is away from. */
const SOURCES: MetricSources = {
  identity: { edgeName: 'ber"lin\\', notAfter: new Date(2_000_000_500) },
  renewal: { renewals: 2, failures: 3 },
  now: 1_000_000_000,
  agentVersion: '1.2.3',
  connected: true,
  bundle: {
    generation: 7n,
    revision: 3n,
    tunnels: new Map([
      ['t', { peerName: 'paris', remote: PLACE, profile: { protocol: 'ah', mode: 'transport' } }],
      ['h', { peerName: 'notebook', remote: undefined, profile: { protocol: 'esp', mode: 'tunnel' } }],
    ]),
  } as never,
  snapshot: {
    now: 61_500,
    contentHash: 'aa',
    associations: [
      { tunnelId: 't', direction: 'outbound', current: true, path: { pathMtu: 1280, largestPacket: 1218 } } as never,
    ],
    tunnels: [TUNNEL, { ...TUNNEL, tunnelId: 'h', inboundSpis: [] }],
    groups: [{ groupId: 'g', tunnels: [{ tunnelId: 't', alive: true, chosen: false }] }],
    policies: [
      {
        entryId: 'e',
        ruleId: 'r',
        packets: 1n,
        bytes: 2n,
        inboundPackets: 3n,
        inboundBytes: 4n,
        drops: [{ reason: 'spd_discard', packets: 1n }],
      },
    ],
    drops: [{ reason: 'no_policy', packets: 5n }],
    underlayErrors: [{ reason: 'host_unreachable' as never, messages: 6n }],
    pathMtuMessages: [{ outcome: 'lowered' as never, messages: 7n }],
    keepalives: 8n,
    workers: [
      {
        heartbeat: 100,
        replacements: 1,
        fromDevice: 7,
        passedOn: 3,
        busyMilliseconds: 1500,
        idleMilliseconds: 500,
        outboundPackets: 5n,
        inboundPackets: 6n,
      },
    ],
  },
  negotiations: new Map([
    [
      't',
      {
        ...UNTRIED,
        established: true,
        rekeys: 9n,
        failuresByCause: { peer_silent: 2 },
        pathChangesByCause: { path_silent: 3 },
        path: { connection: 't', local: PLACE, remote: PLACE, localBehindNat: false },
      },
    ],
    ['h', { ...UNTRIED, waitsFor: 'host' }],
  ]),
  blind: new Map([
    [
      't',
      {
        inForce: 3,
        roots: [],
        refusal: undefined,
        refusals: { not_authentic: 2 },
        alarm: { of: 'alarm', reason: 'no controller' },
      },
    ],
  ]),
  ikeDrops: [{ reason: 'ike_malformed', packets: 10n }],
  deviceDrops: 14n,
  fence: { ranges: [], arrivedInClear: 11n, leftInClear: 12n },
  repairs: 13,
};

describe('the metrics of an edge', () => {
  const text = renderMetrics(edgeMetrics(SOURCES));

  it('are all those of the table, each with its labels, and 64 bits of every count', () => {
    for (const { name, type, labels } of METRICS) {
      expect(text).toContain(`# TYPE ${name} ${type}\n`);
      const [line = ''] = text.split('\n').filter((one) => one.startsWith(`${name}{`) || one.startsWith(`${name} `));
      expect([...line.matchAll(/([a-z_]+)="/g)].map(([, label]) => label)).toEqual(labels);
      expect(type === 'counter').toBe(name.endsWith('_total'));
    }
    expect(text).toContain('weft_edge_tunnel_received_packets_total{tunnel="t",peer="paris"} 1152921504606846976\n');
    // AH: whoever may see packets of this tunnel sees what is in them.
    expect(text).toContain('weft_edge_tunnel_encrypted{tunnel="t",peer="paris"} 0\n');
    expect(text).toContain('weft_edge_tunnel_transport_mode{tunnel="t",peer="paris"} 1\n');
    expect(text).toContain('weft_edge_tunnel_waits_for_traffic{tunnel="t",peer="paris"} 0\n');
    expect(text).toContain('weft_edge_tunnel_waits_for_host{tunnel="h",peer="notebook"} 1\n');
    expect(text).toContain('weft_edge_tunnel_silence_seconds{tunnel="t",peer="paris"} 1.5\n');
    expect(text).toContain('weft_edge_tunnel_dropped_packets_total{tunnel="t",peer="paris",reason="replayed"} 3\n');
    expect(text).toContain('weft_edge_tunnel_rekeys_total{tunnel="t",peer="paris"} 21\n');
    expect(text).toContain('weft_edge_policy_dropped_packets_total{entry="e",rule="r",reason="spd_discard"} 1\n');
    expect(text).toContain('weft_edge_ike_failures_total{tunnel="t",peer="paris",cause="peer_silent"} 2\n');
    expect(text).toContain('weft_edge_ike_uplink{tunnel="t",peer="paris",address="192.0.2.1"} 1\n');
    expect(text).toContain('weft_edge_ike_path_changes_total{tunnel="t",peer="paris",cause="path_silent"} 3\n');
    expect(text).toContain('weft_edge_tunnel_round_trip_seconds{tunnel="t",peer="paris"} 0.0125\n');
    expect(text).toContain('weft_edge_worker_busy_seconds_total{worker="0"} 1.5\n');
    expect(text).toContain('weft_edge_certificate_expiry_seconds 2000000\n');
    expect(text).toContain('weft_edge_certificate_left_seconds 1000000\n');
  });

  it('say of one metric everything in one place, and escape what a label may not hold', () => {
    const names = text.split('\n').filter((line) => line.startsWith('# TYPE'));
    expect(new Set(names).size).toBe(names.length);
    expect(text).toContain('weft_edge_info{version="1.2.3",edge="ber\\"lin\\\\"} 1\n');
    expect(text.endsWith('\n')).toBe(true);
  });

  it('are those that docs/operations.md lists', () => {
    const documented = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
    const listed = [...documented.matchAll(/^\| `(weft_edge_[a-z_]+)` \| (counter|gauge) \| ([^|]*) \|/gm)];
    const label = (labels: readonly string[]) => labels.map((one) => `\`${one}\``).join(', ');
    expect(listed.map(([, name, type, labels = '']) => [name, type, labels.trim()])).toEqual(
      METRICS.map(({ name, type, labels }) => [name, type, label(labels)]),
    );
  });
});
