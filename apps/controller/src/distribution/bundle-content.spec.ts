import { Bundle, TunnelStart } from '@weft/contracts/southbound';
import type { BundleAddressList, BundleIke, BundleKeying, EdgeBundle } from '@weft/fabric-compiler';
import { describe, expect, it } from 'vitest';
import { decodeBundle, encodeBundle } from './bundle-content.js';

const withKeying = (keying: BundleKeying): EdgeBundle => ({
  tenantId: 'tenant',
  edgeId: 'edge',
  device: { mtu: 1400 },
  underlay: { address: '203.0.113.1', port: 4500 },
  tunnels: [
    {
      tunnelId: 'tunnel',
      peerEdgeId: 'peer',
      peerName: 'tokyo',
      remote: { address: '203.0.113.2', port: 4500 },
      keying,
      profile: { encryption: 'aes-gcm-16', keyBits: 256, replayWindow: 1024, extendedSequenceNumbers: true },
    },
  ],
  securityPolicies: [],
  routes: [],
  localNetworks: [],
  networkMappings: [],
  tunnelGroups: [],
});
const ike: BundleIke = {
  proposals: [],
  ikeLifetimeSeconds: 14_400,
  childLifetimeSeconds: 3600,
  livenessSeconds: 10,
};
const lifetimes = { softLifetimeSeconds: 3600, hardLifetimeSeconds: 86_400 };

describe('the keying of a tunnel in a bundle', () => {
  it('by relayed messages says how long keys last, and whom of the peer not to believe', () => {
    const revoked = new Map([
      ['peer', ['0a', 'ff01']],
      ['another', ['0b']],
    ]);
    const content = encodeBundle(withKeying({ mode: 'controller-blind', lifetimes }), revoked);
    const [tunnel] = decodeBundle(content.octets).tunnels;
    expect(tunnel?.ike).toBeUndefined();
    expect(tunnel?.controllerBlind).toEqual({
      ...lifetimes,
      revokedSerials: [Buffer.from([0x0a]), Buffer.from([0xff, 0x01])],
    });
  });

  it.each([
    ['starts at once and says nothing', undefined, {}],
    ['waits for traffic, and stays', {}, { start: TunnelStart.TUNNEL_START_TRAP }],
    [
      'waits for traffic, and ends without',
      { idleSeconds: 600 },
      { start: TunnelStart.TUNNEL_START_TRAP, idleSeconds: 600 },
    ],
  ])('by negotiation %s', (_what, trap, said) => {
    const keying: BundleKeying = { mode: 'ikev2', ike, ...(trap === undefined ? {} : { trap }) };
    const [tunnel] = decodeBundle(encodeBundle(withKeying(keying)).octets).tunnels;
    const { start, idleSeconds } = tunnel?.ike ?? {};
    expect({ start, idleSeconds }).toEqual({ start: undefined, idleSeconds: undefined, ...said });
  });

  it('by the controller says nothing of either', () => {
    const [tunnel] = decodeBundle(encodeBundle(withKeying({ mode: 'ike-less' })).octets).tunnels;
    expect([tunnel?.ike, tunnel?.controllerBlind]).toEqual([undefined, undefined]);
  });
});

describe('the addresses of a bundle', () => {
  const list = (...third: readonly number[]) =>
    third.map((octet) => ({ first: Uint8Array.of(10, 0, octet, 0), last: Uint8Array.of(10, 0, octet, 255) }));
  const entry = (entryId: string, localAddresses: BundleAddressList, remoteAddresses: BundleAddressList) => ({
    entryId,
    ruleId: 'rule',
    action: 'PROTECT' as const,
    selector: { localAddresses, remoteAddresses, protocol: 'any' as const, localPorts: [], remotePorts: [] },
  });

  it('stand there once, whoever names them, whether or not two lists are one', () => {
    const [tunnel] = withKeying({ mode: 'ike-less' }).tunnels;
    if (tunnel === undefined) throw new Error('there is a tunnel');
    const compiled: EdgeBundle = {
      ...withKeying({ mode: 'ike-less' }),
      tunnels: [{ ...tunnel, carries: [list(2)] }],
      tunnelGroups: [
        {
          groupId: 'group',
          tunnelIds: ['one', 'other'],
          carries: [list(3, 5)],
          probeIntervalMilliseconds: 500,
          missedProbes: 3,
          holdDownSeconds: 30,
        },
      ],
      securityPolicies: [entry('one', list(1), list(2, 3)), entry('other', list(1), list(2)), entry('any', [], [])],
    };
    const { octets } = encodeBundle(compiled);
    const bundle = decodeBundle(octets);
    const sets = bundle.addressSets.map(({ ranges }) => ranges.map(({ first }) => first[2]));
    expect([...sets].sort()).toEqual([[1], [2], [2, 3], [3, 5]]);
    const named = (place: number | undefined) => sets[place ?? -1];
    expect(
      bundle.securityPolicies.map(({ tunnelId, selector }) => [
        tunnelId,
        named(selector?.localAddressSet),
        named(selector?.remoteAddressSet),
        selector?.localAddresses.length,
      ]),
    ).toEqual([
      ['', [1], [2, 3], 0],
      ['', [1], [2], 0],
      ['', undefined, undefined, 0],
    ]);
    expect(bundle.tunnels.map(({ carries }) => carries.map(named))).toEqual([[[2]]]);
    expect(bundle.tunnelGroups.map(({ carries }) => carries.map(named))).toEqual([[[3, 5]]]);
    expect(Buffer.from(Bundle.encode(bundle).finish()).equals(octets)).toBe(true);
    expect(encodeBundle(structuredClone(compiled)).hash).toEqual(encodeBundle(compiled).hash);
  });
});
