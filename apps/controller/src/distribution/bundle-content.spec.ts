import { TunnelStart } from '@weft/contracts/southbound';
import type { BundleIke, BundleKeying, EdgeBundle } from '@weft/fabric-compiler';
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
