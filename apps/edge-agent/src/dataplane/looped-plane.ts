import { randomBytes, randomFillSync } from 'node:crypto';
import { type CryptoProvider, createDataPlane, createSecurityPolicyDatabase, type DataPlane } from '@weft/ipsec-core';

/** Both ends in one: what it sends comes back to it. Its key protects nothing but packets that were made up here. */
export function loopedPlane(provider: CryptoProvider): DataPlane {
  const plane = createDataPlane({ provider, random: (out) => randomFillSync(out) });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] } as const;
  const entry = { entryId: 'self-test', ruleId: 'self-test', selectors: [any], action: 'PROTECT' } as const;
  plane.installPolicy(createSecurityPolicyDatabase([{ ...entry, tunnelId: TUNNEL }]));
  const key = randomBytes(KEYING_MATERIAL_OCTETS);
  for (const direction of ['outbound', 'inbound'] as const) {
    plane.install(
      {
        direction,
        tunnelId: TUNNEL,
        spi: SPI,
        protocol: 'esp',
        mode: 'tunnel',
        suite: 'aes-gcm-16',
        keyBits: 256,
        keyingMaterial: Uint8Array.from(key),
        extendedSequenceNumbers: true,
        softLifetimeMilliseconds: 1,
        hardLifetimeMilliseconds: 1,
      },
      NOW,
    );
  }
  key.fill(0);
  return plane;
}

/** Wipes its keys. */
export function removeLoop(plane: DataPlane): void {
  plane.removeInbound(SPI);
  plane.removeOutbound(TUNNEL, SPI);
}

/** Of the only tunnel of a looped plane. */
export const TUNNEL = 'self-test';
/** Milliseconds of a clock. */
export const NOW = 0.5;
const SPI = 0xffff_fff0;
/** AES-256 and its salt (RFC 4106 section 8.1). */
const KEYING_MATERIAL_OCTETS = 36;
