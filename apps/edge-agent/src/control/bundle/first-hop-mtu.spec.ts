import { createDataPlane, createSecurityPolicyDatabase, parseAddress } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { firstHopMtu } from './first-hop-mtu.js';
import type { ProtectionProfile } from './verified-bundle.js';

const COMMON = { mode: 'transport', replayWindow: 64, extendedSequenceNumbers: true } as const;
const ESP = { protocol: 'esp', suite: 'aes-gcm-16', keyBits: 128, encapsulation: 'none', ...COMMON } as const;
const AH = { protocol: 'ah', integrity: 'hmac-sha2-256-128', ...COMMON } as const;

describe('the path between two hosts', () => {
  it.each([
    // 20 octets of IPv4 stay in front of 8 of ESP, 8 of IV, what is encrypted with 2 octets of trailer, and 16 of ICV.
    ['ESP', 'IPv4', ESP, '192.0.2.2', 1466],
    ['ESP', 'IPv6', ESP, '2001:db8::2', 1466],
    ['AH', 'IPv4', AH, '192.0.2.2', 1472],
    ['AH', 'IPv6', AH, '2001:db8::2', 1468],
  ] as const)(
    'is filled, in transport mode with %s over %s, by the largest packet that the device lets through',
    (_, _family, profile, address, overlayMtu) => {
      const remote = { text: address, octets: parseAddress(address), port: 4500 };
      const firstHop = firstHopMtu({ overlayMtu }, { remote, profile, keying: { mode: 'ike-less' } });
      expect(firstHop).toBe(1500);
      const plane = sending(profile, firstHop);
      const out = new Uint8Array(2048);
      const of = (length: number) => plane.protect(packetTo(remote.octets, length), 0, length, out, 0, 0);
      expect(of(overlayMtu)).toMatchObject({ verdict: 'transmit', length: 1500 });
      expect(of(overlayMtu + 1)).toMatchObject({ verdict: 'discard', reason: 'exceeds_path_mtu' });
    },
  );
});

function sending(profile: ProtectionProfile, mtu: number) {
  const plane = createDataPlane({ provider: nodeCryptoProvider, random: (out) => out.fill(0) });
  const everything = {
    localAddresses: [],
    remoteAddresses: [],
    protocol: 'any',
    localPorts: [],
    remotePorts: [],
  } as const;
  plane.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'e', ruleId: 'r', selectors: [everything], action: 'PROTECT', tunnelId: 't' },
    ]),
  );
  const { replayWindow, extendedSequenceNumbers, mode } = profile;
  const common = {
    direction: 'outbound',
    tunnelId: 't',
    spi: 0x1001,
    mode,
    replayWindow,
    extendedSequenceNumbers,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
    pathMtu: { mtu },
  } as const;
  plane.install(
    profile.protocol === 'ah'
      ? { ...common, protocol: 'ah', integrity: profile.integrity, keyingMaterial: new Uint8Array(32) }
      : {
          ...common,
          protocol: 'esp',
          suite: profile.suite,
          keyBits: profile.keyBits,
          keyingMaterial: new Uint8Array(profile.keyBits / 8 + 4),
        },
    0,
  );
  return plane;
}

/** From another address of the family, not to be fragmented. */
function packetTo(destination: Uint8Array, length: number): Uint8Array {
  const packet = new Uint8Array(length);
  const source = destination.map((octet, index) => (index === destination.length - 1 ? 1 : octet));
  const header =
    destination.length === 4
      ? [0x45, 0, length >>> 8, length & 255, 0, 0, 0x40, 0, 64, 253, 0, 0]
      : [0x60, 0, 0, 0, (length - 40) >>> 8, (length - 40) & 255, 253, 64];
  packet.set([...header, ...source, ...destination]);
  return packet;
}
