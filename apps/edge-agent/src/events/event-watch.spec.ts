import { describe, expect, it } from 'vitest';
import { type TunnelNegotiation, UNTRIED } from '../ike/negotiation-state.js';
import { occurrencesBetween, type Watched } from './event-watch.js';

type Tunnel = Watched['snapshot']['tunnels'][number];

const tunnel = (inboundSpis: number[], outboundSpi?: number) =>
  ({ tunnelId: 't', inboundSpis, outboundSpi }) as unknown as Tunnel;
const path = (pathMtu: number, source = 'probe') => [
  { tunnelId: 't', direction: 'outbound', current: true, path: { pathMtu, source } },
];
const worker = (replacements: number) => ({ replacements });

function watched({ snapshot, ...change }: { snapshot?: object } & Partial<Omit<Watched, 'snapshot'>> = {}): Watched {
  return {
    snapshot: {
      tunnels: [tunnel([])],
      associations: [],
      workers: [worker(0)],
      ...snapshot,
    } as unknown as Watched['snapshot'],
    negotiations: new Map(),
    renewal: { renewals: 0, failures: 0, problem: undefined },
    deviceDrops: 5n,
    ...change,
  };
}

const failing = (failuresByCause: Record<string, number>) =>
  watched({ negotiations: new Map([['t', { ...UNTRIED, failuresByCause, failure: 'no proposal chosen' }]]) });
const moved = (pathChangesByCause: Record<string, number>, local = 2) => {
  const end = (last: number) => ({ address: Uint8Array.of(192, 0, 2, last), port: 4500 });
  const path = { local: end(local), remote: end(9) } as unknown as TunnelNegotiation['path'];
  return watched({ negotiations: new Map([['t', { ...UNTRIED, pathChangesByCause, path }]]) });
};
const renewal = (renewals: number, failures: number) =>
  watched({ renewal: { renewals, failures, problem: { reason: 'UNAVAILABLE', fix: 'none needed' } } });
const up = watched({ snapshot: { tunnels: [tunnel([256], 257)] } });
const waiting = watched({ negotiations: new Map([['t', { ...UNTRIED, waitsFor: 'traffic' }]]) });
const lost = watched({
  negotiations: new Map([['t', { ...UNTRIED, waitsFor: 'traffic', failuresByCause: { peer_silent: 1 } }]]),
});
const away = watched({
  negotiations: new Map([['t', { ...UNTRIED, waitsFor: 'host', failuresByCause: { peer_silent: 1 } }]]),
});
const half = watched({ snapshot: { tunnels: [tunnel([256])] } });
const gone = watched({ snapshot: { tunnels: [] } });
const onPath = (octets: number) => watched({ snapshot: { tunnels: [tunnel([256], 257)], associations: path(octets) } });

describe('what has happened between two looks', () => {
  it.each([
    ['nothing', watched(), watched(), []],
    ['nothing, at the first look of all', undefined, watched(), []],
    ['a tunnel came up', watched(), up, [{ kind: 'tunnel_up', tunnelId: 't' }]],
    ['it was up at the first look', undefined, up, [{ kind: 'tunnel_up', tunnelId: 't' }]],
    ['one direction is not a tunnel', watched(), half, []],
    ['it lost one', up, half, [{ kind: 'tunnel_down', tunnelId: 't' }]],
    ['nothing passed, and it waits for traffic', up, waiting, [{ kind: 'tunnel_idle', tunnelId: 't' }]],
    [
      'its peer was lost, whom nothing is for now',
      up,
      lost,
      [
        { kind: 'ike_failed', tunnelId: 't', cause: 'peer_silent', count: 1 },
        { kind: 'tunnel_down', tunnelId: 't' },
      ],
    ],
    [
      'the host at its other end went without a word: it waits for that, and is not down',
      up,
      away,
      [
        { kind: 'ike_failed', tunnelId: 't', cause: 'peer_silent', count: 1 },
        { kind: 'tunnel_idle', tunnelId: 't' },
      ],
    ],
    [
      'somebody said to be a host and was not, which is no failure of the host',
      watched(),
      watched({
        negotiations: new Map([
          [
            't',
            { ...UNTRIED, waitsFor: 'host', failuresByCause: { authentication_failed: 1 }, refusal: 'another key' },
          ],
        ]),
      }),
      [{ kind: 'ike_failed', tunnelId: 't', cause: 'authentication_failed', count: 1, detail: 'another key' }],
    ],
    ['it is not configured any more', up, gone, []],
    [
      'a negotiation failed, twice by one cause',
      failing({ timeout: 3 }),
      failing({ timeout: 5, refused: 1 }),
      [
        { kind: 'ike_failed', tunnelId: 't', cause: 'timeout', count: 2, detail: 'no proposal chosen' },
        { kind: 'ike_failed', tunnelId: 't', cause: 'refused', count: 1, detail: 'no proposal chosen' },
      ],
    ],
    [
      'the path carries less',
      onPath(1500),
      onPath(1280),
      [expect.objectContaining({ kind: 'path_mtu_changed', tunnelId: 't', cause: 'probe', count: 1280 })],
    ],
    ['it is where it was', moved({ path_silent: 1 }), moved({ path_silent: 1 }), []],
    [
      'it went to another path, and the peer to another one',
      moved({ path_silent: 1 }, 1),
      moved({ path_silent: 2, peer_moved: 3 }),
      [
        {
          kind: 'path_changed',
          tunnelId: 't',
          cause: 'path_silent',
          count: 1,
          detail: 'it goes from 192.0.2.2 to 192.0.2.9',
        },
        {
          kind: 'path_changed',
          tunnelId: 't',
          cause: 'peer_moved',
          count: 3,
          detail: 'it goes from 192.0.2.2 to 192.0.2.9',
        },
      ],
    ],
    ['the path is known for the first time', up, onPath(1500), []],
    [
      'a thread was replaced',
      watched(),
      watched({ snapshot: { workers: [worker(2)] } }),
      [{ kind: 'worker_replaced', count: 2, detail: 'thread 0 of the packet path' }],
    ],
    ['the certificate was renewed', renewal(0, 0), renewal(1, 0), [{ kind: 'certificate_renewed', count: 1 }]],
    [
      'it was not',
      renewal(0, 1),
      renewal(0, 2),
      [{ kind: 'certificate_renewal_failed', count: 1, detail: 'UNAVAILABLE; none needed' }],
    ],
    ['the device dropped packets', watched(), watched({ deviceDrops: 12n }), [{ kind: 'device_drops', count: 7 }]],
    ['the device is another one', watched(), watched({ deviceDrops: 0n }), []],
    ['the device is gone', watched(), watched({ deviceDrops: undefined }), []],
  ] as const)('%s', (_, before, after, occurrences) => {
    expect(occurrencesBetween(before, after)).toEqual(occurrences);
  });
});
