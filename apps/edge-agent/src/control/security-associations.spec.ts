import { Encapsulation, type SecurityAssociation } from '@weft/contracts/southbound';
import { createDataPlane, createSecurityPolicyDatabase, type DataPlane, parseAddress } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { placedTunnels } from '../../test/support/placed-tunnels.js';
import { PROFILE, TUNNEL_ID, testBundle } from '../../test/support/test-bundle.js';
import { firstHopMtu } from './bundle/first-hop-mtu.js';
import { parseBundle } from './bundle/parse-bundle.js';
import type { TunnelKeying, VerifiedBundle } from './bundle/verified-bundle.js';
import { parseAssociations } from './security-associations.js';

const NATIVE = { ...PROFILE, encapsulation: Encapsulation.ENCAPSULATION_NONE };

function bundle(profile = PROFILE, mtu = 1422): VerifiedBundle {
  const message = testBundle();
  const [tunnel] = message.tunnels;
  const content = parseBundle({ ...message, device: { mtu }, tunnels: tunnel ? [{ ...tunnel, profile }] : [] });
  return { epoch: 1n, generation: 1n, revision: 1n, contentHash: '00', ...content };
}

function message(profile = PROFILE): SecurityAssociation {
  return {
    tunnelId: TUNNEL_ID,
    spi: 0x1001,
    profile,
    keyingMaterial: Buffer.alloc(36, 1),
    peer: { address: '198.51.100.1', port: 4500 },
    softLifetimeSeconds: 10n,
    hardLifetimeSeconds: 20n,
  };
}

const AH = {
  protocol: 'ah',
  mode: 'tunnel',
  integrity: 'hmac-sha2-256-128',
  replayWindow: 64,
  extendedSequenceNumbers: true,
} as const;

/** An engine that protects everything with AH. */
function sending(address: Uint8Array, mtu: number): DataPlane {
  const plane = createDataPlane({ provider: nodeCryptoProvider, random: (out) => out.fill(0) });
  const [local, remote] = [address, address];
  plane.installPolicy(createSecurityPolicyDatabase([{ ...EVERYTHING, action: 'PROTECT', tunnelId: TUNNEL_ID }]));
  plane.install(
    {
      ...AH,
      direction: 'outbound',
      tunnelId: TUNNEL_ID,
      spi: 0x1001,
      keyingMaterial: new Uint8Array(32),
      softLifetimeMilliseconds: 1e9,
      hardLifetimeMilliseconds: 1e9,
      outer: { local, remote },
      pathMtu: { mtu },
    },
    0,
  );
  return plane;
}

/** IPv4 from 10.1.0.1 to 10.2.0.1, not to be fragmented. */
function packetOf(length: number): Uint8Array {
  const packet = new Uint8Array(length);
  packet.set([0x45, 0, length >>> 8, length & 255, 0, 0, 0x40, 0, 64, 253, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1]);
  return packet;
}

const EVERYTHING = {
  entryId: 'everything',
  ruleId: 'everything',
  selectors: [{ localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] }],
} as const;

describe('associations of the controller', () => {
  it('travel in UDP, or directly on IP between the addresses of the bundle, as their profile says', () => {
    const [inUdp] = parseAssociations('a', 'outbound', [message()], bundle());
    expect(inUdp?.outer).toBeUndefined();
    expect(inUdp?.pathMtu?.underlay).toEqual({ family: 4, udp: true });
    for (const direction of ['inbound', 'outbound'] as const) {
      const [native] = parseAssociations('a', direction, [message(NATIVE)], bundle(NATIVE));
      expect(native?.outer).toEqual({ local: parseAddress('192.0.2.1'), remote: parseAddress('198.51.100.1') });
      expect(native?.pathMtu?.underlay).toBeUndefined();
    }
  });

  it.each([
    ['in UDP', PROFILE, 1438],
    ['directly on IP', NATIVE, 1446],
  ] as const)('take a path of 1500 octets for what an overlay of its size fills, %s', (_, profile, mtu) => {
    const installed = bundle(profile, mtu);
    const [association] = parseAssociations('a', 'outbound', [message(profile)], installed);
    if (association === undefined) throw new Error('there is one');
    expect(association.pathMtu?.mtu).toBe(1500);
    // The engine agrees: that is the largest packet that passes.
    const plane = createDataPlane({ provider: nodeCryptoProvider, random: (out) => out.fill(0) });
    plane.install(association, 0);
    expect(plane.associations()[0]?.pathMtu).toBe(1500);
  });

  it('of edges that negotiate are taken to have room for UDP, whether or not they need it', () => {
    for (const profile of [PROFILE, NATIVE]) {
      const installed = bundle(profile, 1438);
      const [tunnel] = placedTunnels(installed).values();
      const keying = { mode: 'ikev2' } as TunnelKeying;
      expect(tunnel && firstHopMtu(installed, { ...tunnel, keying })).toBe(1500);
    }
  });

  it.each([
    ['IPv4', '198.51.100.1', 1452],
    ['IPv6', '2001:db8:b::1', 1428],
  ])(
    'of AH over %s are taken to fill a path of 1500 octets with what the engine makes of the largest packet',
    (_, text, mtu) => {
      const remote = { text, octets: parseAddress(text), port: 4500 };
      const [tunnel] = placedTunnels(bundle()).values();
      if (tunnel === undefined) throw new Error('there is one');
      const firstHop = firstHopMtu({ overlayMtu: mtu }, { ...tunnel, remote, profile: AH });
      expect(firstHop).toBe(1500);
      const plane = sending(remote.octets, firstHop);
      const out = new Uint8Array(2048);
      const largest = plane.protect(packetOf(mtu), 0, mtu, out, 0, 0);
      expect(largest).toMatchObject({ verdict: 'transmit', length: 1500 });
      expect(plane.protect(packetOf(mtu + 1), 0, mtu + 1, out, 0, 0)).toMatchObject({
        verdict: 'discard',
        reason: 'exceeds_path_mtu',
      });
    },
  );

  it('whose profile is not that of the tunnel are refused', () => {
    for (const [mine, theirs] of [
      [PROFILE, NATIVE],
      [NATIVE, PROFILE],
    ] as const) {
      const parse = () => parseAssociations('a', 'inbound', [message(mine)], bundle(theirs));
      expect(parse).toThrow(expect.objectContaining({ rule: 'profile_mismatch' }));
    }
  });

  it('are not for tunnels that the edges key themselves', () => {
    const known = bundle();
    const tunnels = new Map(
      [...placedTunnels(known)].map(([id, tunnel]) => [id, { ...tunnel, keying: { mode: 'ikev2' } as TunnelKeying }]),
    );
    expect(() => parseAssociations('a', 'inbound', [message()], { ...known, tunnels })).toThrow(
      expect.objectContaining({ rule: 'keying_mode_mismatch' }),
    );
  });
});
