import type { BundleKeying, EdgeBundle } from '@weft/fabric-compiler';
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

  it('by the controller says nothing of either', () => {
    const [tunnel] = decodeBundle(encodeBundle(withKeying({ mode: 'ike-less' })).octets).tunnels;
    expect([tunnel?.ike, tunnel?.controllerBlind]).toEqual([undefined, undefined]);
  });
});
