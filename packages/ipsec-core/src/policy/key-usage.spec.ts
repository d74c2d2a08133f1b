import { describe, expect, it } from 'vitest';
import { espKeyingMaterialLength } from '../crypto/esp-transform.js';
import { ahKeyUsageLimit, espKeyUsageLimit } from '../crypto/key-usage.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import { ENCRYPTION, type EncryptionName } from '../crypto/suites.js';
import { ASSOCIATION_COUNTER } from './association-memory.js';
import { Lifetime } from './lifetime.js';
import { SecurityAssociationDatabase } from './sad.js';
import type { EspAssociationParameters } from './security-association-parameters.js';

const ENCRYPTIONS = Object.keys(ENCRYPTION) as EncryptionName[];
const BITS = 2 ** -50;

/** Calls of AES under one key when the limit is reached: payload and padding, and what each packet adds. */
function blocksOf({ packets, octets }: { packets: number; octets: number }, padTo: number): number {
  return (octets + packets * (padTo === 1 ? 0 : padTo)) / 16 + 5 * packets;
}

describe('key usage limits', () => {
  it.each(ENCRYPTIONS.filter((name) => ENCRYPTION[name].algorithm?.startsWith('aes')))(
    'keep the advantage against %s below 2^-50, however payloads are padded',
    (name) => {
      const { kind, algorithm } = ENCRYPTION[name];
      for (const padTo of [1, 64, 256, 1400, 9000]) {
        const blocks = blocksOf(
          espKeyUsageLimit(name, kind === 'combined' ? undefined : 'hmac-sha2-256-128', padTo),
          padTo,
        );
        // draft-irtf-cfrg-aead-limits-11 sections 6.2 and 6.4; CBC and CTR like CCM, with one call for each block.
        const advantage = algorithm === 'aes-gcm' ? (blocks + 1) ** 2 / 2 ** 129 : blocks ** 2 / 2 ** 128;
        expect(algorithm === 'aes-ccm' ? 4 * advantage : advantage).toBeLessThan(BITS);
      }
    },
  );

  it('bind where the integrity is made of AES and the encryption is not', () => {
    expect(espKeyUsageLimit('null', 'aes-cmac-96', 1)).toEqual(espKeyUsageLimit('aes-cbc', 'aes-xcbc-96', 1));
    expect(espKeyUsageLimit('null', 'hmac-sha2-256-128', 1).octets).toBe(Number.MAX_SAFE_INTEGER);
    expect(espKeyUsageLimit('chacha20-poly1305', undefined, 1).octets).toBe(Number.MAX_SAFE_INTEGER);
    expect(ahKeyUsageLimit('aes-gmac')).toEqual(espKeyUsageLimit('aes-gcm-16', undefined, 1));
    expect(ahKeyUsageLimit('hmac-sha1-96').packets).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('end an association that was configured to live longer, and announce it', () => {
    const limit = espKeyUsageLimit('aes-gcm-16', undefined, 1);
    const time = { softLifetimeMilliseconds: 1e15, hardLifetimeMilliseconds: 1e15 };
    for (const more of [
      {},
      { softBytes: 2 ** 50, hardBytes: 2 ** 51 },
      { softPackets: 2 ** 45, hardPackets: 2 ** 46 },
    ]) {
      const lifetime = new Lifetime(0, { ...time, ...more }, 0, limit);
      expect(lifetime.isOver(1, limit.packets - 1, limit.octets - 1)).toBe(false);
      expect(lifetime.isOver(1, limit.packets, 0)).toBe(true);
      expect(lifetime.isOver(1, 0, limit.octets)).toBe(true);
      expect(lifetime.due(1, 0, limit.octets * 0.89, false)).toBeUndefined();
      expect(lifetime.due(1, 0, limit.octets * 0.9, false)).toBe('soft');
      expect(lifetime.due(1, 0, limit.octets, false)).toBe('hard');
    }
  });

  it('leave shorter lifetimes as they were configured', () => {
    const limit = espKeyUsageLimit('aes-gcm-16', undefined, 1);
    const parameters = { softLifetimeMilliseconds: 10, hardLifetimeMilliseconds: 20, softBytes: 100, hardBytes: 100 };
    const lifetime = new Lifetime(0, parameters, 0, limit);
    expect(lifetime.isOver(1, 0, 99)).toBe(false);
    expect(lifetime.isOver(1, 0, 100)).toBe(true);
    expect(lifetime.due(1, 0, 99, false)).toBeUndefined();
  });

  it('are those of the suite in every association', () => {
    for (const suite of ENCRYPTIONS) {
      const keyBits = ENCRYPTION[suite].keyBits[0] ?? 0;
      const integrity = ENCRYPTION[suite].kind === 'separate' ? ('hmac-sha1-96' as const) : undefined;
      const parameters: EspAssociationParameters = {
        direction: 'inbound',
        tunnelId: 't',
        spi: 0x1000,
        protocol: 'esp',
        mode: 'tunnel',
        suite,
        keyBits,
        ...(integrity === undefined ? {} : { integrity }),
        keyingMaterial: new Uint8Array(espKeyingMaterialLength({ encryption: suite, keyBits, integrity })),
        extendedSequenceNumbers: true,
        replayWindow: 64,
        softLifetimeMilliseconds: 1e15,
        hardLifetimeMilliseconds: 1e15,
      };
      const database = new SecurityAssociationDatabase({ provider: nobleProvider, random: () => undefined });
      database.install(parameters, 0);
      const association = database.inbound(0x1000);
      const limit = espKeyUsageLimit(suite, integrity, 1);
      if (association === undefined) throw new Error('not installed');
      association.memory.counters[ASSOCIATION_COUNTER.packets] = limit.packets - 1;
      expect([suite, association.isOver(1)]).toEqual([suite, false]);
      association.memory.counters[ASSOCIATION_COUNTER.packets] = limit.packets;
      expect([suite, association.isOver(1)]).toEqual([suite, true]);
      expect(database.expire(1)).toMatchObject([{ kind: 'hard', spi: 0x1000 }]);
    }
  });
});
