import { KeyingMode, type Tunnel } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { negotiatedBundle } from '../../../test/support/negotiated-bundle.js';
import { placedTunnels } from '../../../test/support/placed-tunnels.js';
import { AH_PROFILE, TRANSPORT_PROFILE } from '../../../test/support/test-bundle.js';
import { parseBundle } from './parse-bundle.js';

const LEFT = { id: '00000000-0000-4000-8000-000000000001', underlay: '192.0.2.1', network: '10.1.0.0/24' };
const RIGHT = { id: '00000000-0000-4000-8000-000000000002', underlay: '198.51.100.1', network: '10.2.0.0/24' };
const WATCH = { probeIntervalMilliseconds: 1000, missedProbes: 3, holdDownSeconds: 30 };
const endpoints = (...addresses: string[]) => ({ endpoints: addresses.map((address) => ({ address, port: 4500 })) });

function bundle(tunnelChanges: Partial<Tunnel> = {}, changes: object = {}) {
  const whole = negotiatedBundle(LEFT, RIGHT);
  return { ...whole, ...changes, tunnels: whole.tunnels.map((tunnel) => ({ ...tunnel, ...tunnelChanges })) };
}

describe('A bundle of edges with several uplinks', () => {
  it('names the further addresses of both ends, in order, of both families', () => {
    const { underlay, otherUnderlays, pathWatch, tunnels } = parseBundle(
      bundle(
        { otherRemotes: endpoints('2001:db8::2', '203.0.113.2') },
        { otherUnderlays: endpoints('203.0.113.1', '2001:db8::1'), pathWatch: WATCH },
      ),
    );
    expect([underlay, ...(otherUnderlays ?? [])].map(({ text }) => text)).toEqual([
      '192.0.2.1',
      '203.0.113.1',
      '2001:db8::1',
    ]);
    expect(
      [...placedTunnels({ tunnels }).values()].map(({ otherRemotes }) => otherRemotes?.map(({ text }) => text)),
    ).toEqual([['2001:db8::2', '203.0.113.2']]);
    expect(pathWatch).toEqual({ probeInterval: 1000, missedProbes: 3, holdDown: 30_000 });
  });

  it('says nothing of them where there is one', () => {
    const parsed = parseBundle(bundle());
    expect([parsed.otherUnderlays, parsed.pathWatch]).toEqual([undefined, undefined]);
  });

  const later = { otherRemotes: endpoints('203.0.113.2') };
  it.each([
    ['an empty list', bundle({}, { otherUnderlays: endpoints() }), 'other_underlays', 'missing_field'],
    [
      'the preferred address once more',
      bundle({}, { otherUnderlays: endpoints('192.0.2.1') }),
      'other_underlays.endpoints[0].address',
      'duplicate',
    ],
    [
      'an address that names no machine',
      bundle({ otherRemotes: endpoints('::') }),
      'tunnels[0].other_remotes.endpoints[0].address',
      'bad_address',
    ],
    [
      'more than IKE would tell of',
      bundle({}, { otherUnderlays: endpoints(...Array.from({ length: 8 }, (_, index) => `203.0.113.${index}`)) }),
      'other_underlays',
      'too_many',
    ],
    [
      'another port',
      bundle({}, { otherUnderlays: { endpoints: [{ address: '203.0.113.1', port: 4501 }] } }),
      'other_underlays',
      'unexpected_value',
    ],
    [
      'a peer that IKE does not tell where packets come from',
      bundle({ ...later, keyingMode: KeyingMode.KEYING_MODE_IKE_LESS, ike: undefined }),
      'tunnels[0].other_remotes',
      'unexpected_value',
    ],
    [
      'probes without a pause',
      bundle({}, { pathWatch: { ...WATCH, probeIntervalMilliseconds: 0 } }),
      'path_watch.probe_interval_milliseconds',
      'out_of_range',
    ],
  ])('is refused with %s', (_what, refused, where, code) => {
    expect(() => parseBundle(refused)).toThrow(expect.objectContaining({ path: where, rule: code }));
  });

  it('takes AH, which moves between addresses, and no transport mode, which is of two alone', () => {
    expect(() => parseBundle(bundle({ ...later, profile: AH_PROFILE }))).not.toThrow();
    const hosts = bundle({ ...later, profile: TRANSPORT_PROFILE });
    expect(() => parseBundle(hosts)).toThrow(expect.objectContaining({ path: 'tunnels[0].other_remotes' }));
  });
});
