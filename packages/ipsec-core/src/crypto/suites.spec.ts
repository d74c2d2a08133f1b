import { describe, expect, it } from 'vitest';
import { readUint32, writeUint32 } from '../bytes/octets.js';
import { ESP, espPacketLength, writeEspTrailer } from '../wire/esp.js';
import { type AhIntegrityName, createAhTransform } from './ah-transform.js';
import {
  createEspTransform,
  type EspSuite,
  type EspTransform,
  espKeyingMaterialLength,
  espLengths,
} from './esp-transform.js';
import { nobleProvider } from './noble/noble-provider.js';
import { ENCRYPTION, type EncryptionName, FORBIDDEN, INTEGRITY, type IntegrityName } from './suites.js';

const ENCRYPTIONS = Object.keys(ENCRYPTION) as EncryptionName[];

/** Every suite that can be configured: each key length, each integrity where one is needed. */
const SUITES: readonly EspSuite[] = ENCRYPTIONS.flatMap((encryption) =>
  ENCRYPTION[encryption].keyBits.flatMap((keyBits): readonly EspSuite[] =>
    ENCRYPTION[encryption].kind === 'combined'
      ? [{ encryption, keyBits, integrity: undefined }]
      : (Object.keys(INTEGRITY) as IntegrityName[]).map((integrity) => ({ encryption, keyBits, integrity })),
  ),
);

function transform(suite: EspSuite, direction: 'inbound' | 'outbound', esn = true, keyShift = 0): EspTransform {
  return createEspTransform({
    provider: nobleProvider,
    random: (out) => void out.fill(0x5c),
    suite,
    keyingMaterial: Uint8Array.from({ length: espKeyingMaterialLength(suite) }, (_, i) => i * 5 + keyShift),
    extendedSequenceNumbers: esn,
    direction,
  });
}

/** A sealed packet with this payload, SPI 0x1234 and the given number. */
function seal(sealer: EspTransform, payload: Uint8Array, high: number, low: number): Uint8Array {
  const packet = new Uint8Array(espPacketLength(payload.length, sealer));
  writeUint32(packet, ESP.spi, 0x1234);
  writeUint32(packet, ESP.sequence, low);
  const start = ESP.headerLength + sealer.ivLength;
  packet.set(payload, start);
  writeEspTrailer(packet, start + payload.length, payload.length, sealer.alignment, 4);
  sealer.writeIv(packet, 0, high);
  sealer.seal(packet, 0, packet.length, high);
  return packet;
}

const PAYLOAD = Uint8Array.from({ length: 45 }, (_, i) => i);

describe('ESP suites', () => {
  it('are those of the field: names, key lengths, IV, ICV and alignment', () => {
    const table = ENCRYPTIONS.map((encryption) => {
      const { keyBits, saltLength } = ENCRYPTION[encryption];
      const suite = { encryption, keyBits: keyBits[0] ?? 0, integrity: undefined };
      const { ivLength, icvLength, alignment } = espLengths(suite);
      return [encryption, keyBits.join(' '), saltLength, ivLength, icvLength, alignment];
    });
    // RFC 4106, 4309, 7634, 4543, 8750, 3602, 3686, 2410; ICVs of the last three come from their integrity algorithm.
    expect(table).toEqual([
      ['aes-gcm-8', '128 192 256', 4, 8, 8, 4],
      ['aes-gcm-12', '128 192 256', 4, 8, 12, 4],
      ['aes-gcm-16', '128 192 256', 4, 8, 16, 4],
      ['aes-ccm-8', '128 192 256', 3, 8, 8, 4],
      ['aes-ccm-12', '128 192 256', 3, 8, 12, 4],
      ['aes-ccm-16', '128 192 256', 3, 8, 16, 4],
      ['chacha20-poly1305', '256', 4, 8, 16, 4],
      ['aes-gmac', '128 192 256', 4, 8, 16, 4],
      ['aes-gcm-16-iiv', '128 192 256', 4, 0, 16, 4],
      ['aes-ccm-8-iiv', '128 192 256', 3, 0, 8, 4],
      ['chacha20-poly1305-iiv', '256', 4, 0, 16, 4],
      ['aes-cbc', '128 192 256', 0, 16, 0, 16],
      ['aes-ctr', '128 192 256', 4, 8, 0, 4],
      ['null', '0', 0, 0, 0, 4],
    ]);
    const integrity = Object.entries(INTEGRITY).map(([name, { keyLength, icvLength }]) => [name, keyLength, icvLength]);
    // RFC 2404, 4868, 3566, 4494.
    expect(integrity).toEqual([
      ['hmac-sha1-96', 20, 12],
      ['hmac-sha2-256-128', 32, 16],
      ['hmac-sha2-384-192', 48, 24],
      ['hmac-sha2-512-256', 64, 32],
      ['aes-xcbc-96', 16, 12],
      ['aes-cmac-96', 16, 12],
    ]);
  });

  it.each(SUITES)('$encryption-$keyBits $integrity covers SPI, number, IV, payload and trailer', (suite) => {
    for (const esn of [true, false]) {
      const opener = transform(suite, 'inbound', esn);
      const packet = seal(transform(suite, 'outbound', esn), PAYLOAD, 7, 9);
      const out = new Uint8Array(packet.length);
      const open = (changed: Uint8Array, high = 7) => opener.open(changed, 0, changed.length, high, out, 0);
      expect(open(packet.slice())).toBe(true);
      expect(out.subarray(0, PAYLOAD.length)).toEqual(PAYLOAD);
      for (let at = 0; at < packet.length; at += at < 32 ? 1 : 7) {
        const changed = packet.slice();
        changed[at] = (changed[at] ?? 0) ^ 0x10;
        expect([at, open(changed)]).toEqual([at, false]);
      }
      // RFC 4303 section 2.2.1; an implicit IV is the number, with its high half even when that is 0 (RFC 8750).
      if (esn) expect(open(packet.slice(), 8)).toBe(false);
      const other = transform(suite, 'inbound', esn, 1);
      expect(other.open(packet.slice(), 0, packet.length, 7, out, 0)).toBe(false);
    }
  });

  it.each([
    ['aes-gcm-16-iiv', 'aes-gcm-16', 128],
    ['aes-gcm-16-iiv', 'aes-gcm-16', 256],
    ['aes-ccm-8-iiv', 'aes-ccm-8', 192],
    ['chacha20-poly1305-iiv', 'chacha20-poly1305', 256],
  ] as const)(
    '%s is %s-%d without the eight octets that repeat the number (RFC 8750 section 4)',
    (implicit, explicit, keyBits) => {
      for (const [esn, high] of [
        [true, 0x01020304],
        [false, 0],
      ] as const) {
        const suite = (encryption: EncryptionName) => ({ encryption, keyBits, integrity: undefined });
        const short = seal(transform(suite(implicit), 'outbound', esn), PAYLOAD, high, 0xa0b0c0d0);
        const long = seal(transform(suite(explicit), 'outbound', esn), PAYLOAD, high, 0xa0b0c0d0);
        expect([readUint32(long, 8), readUint32(long, 12)]).toEqual([high, 0xa0b0c0d0]);
        expect([...short]).toEqual([...long.subarray(0, 8), ...long.subarray(16)]);
      }
    },
  );

  it('CBC takes its IV from the random source, every other from the number', () => {
    for (const suite of SUITES) {
      const { ivLength } = espLengths(suite);
      const iv = seal(transform(suite, 'outbound'), PAYLOAD, 1, 2).subarray(8, 8 + ivLength);
      const expected =
        suite.encryption === 'aes-cbc' ? new Array(16).fill(0x5c) : [0, 0, 0, 1, 0, 0, 0, 2].slice(0, ivLength);
      expect([suite.encryption, ...iv]).toEqual([suite.encryption, ...expected]);
    }
  });

  it('CBC uses no octet of the random source twice', () => {
    const suite = { encryption: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' } as const;
    let drawn = 0;
    const sealer = createEspTransform({
      provider: nobleProvider,
      random: (out) => {
        for (let at = 0; at < out.length; at += 4) writeUint32(out, at, ++drawn);
      },
      suite,
      keyingMaterial: new Uint8Array(36),
      extendedSequenceNumbers: true,
      direction: 'outbound',
    });
    const words = Array.from({ length: 200 }, (_, i) => {
      const packet = seal(sealer, PAYLOAD, 0, i + 1);
      return [8, 12, 16, 20].map((at) => readUint32(packet, at));
    }).flat();
    expect(words).toEqual(Array.from({ length: 800 }, (_, i) => i + 1));
  });

  it('wipe what they hold of the key', () => {
    for (const suite of SUITES) {
      const sealer = transform(suite, 'outbound');
      const before = seal(sealer, PAYLOAD, 0, 1);
      sealer.destroy();
      const opener = transform(suite, 'inbound');
      const after = seal(sealer, PAYLOAD, 0, 1);
      expect(opener.open(before, 0, before.length, 0, new Uint8Array(200), 0)).toBe(true);
      expect(opener.open(after, 0, after.length, 0, new Uint8Array(200), 0)).toBe(false);
    }
  });

  it.each(Object.keys(FORBIDDEN))('%s is refused with its RFC, as encryption and as integrity', (name) => {
    const refused = expect.objectContaining({
      code: 'ALGORITHM_FORBIDDEN',
      message: expect.stringMatching(/RFC \d{4}/),
    });
    const asEncryption = { encryption: name as EncryptionName, keyBits: 128, integrity: undefined };
    const asIntegrity = { encryption: 'aes-cbc' as const, keyBits: 128, integrity: name as IntegrityName };
    for (const suite of [asEncryption, asIntegrity]) {
      const create = () =>
        createEspTransform({
          provider: nobleProvider,
          random: () => undefined,
          suite,
          keyingMaterial: new Uint8Array(16),
          extendedSequenceNumbers: false,
          direction: 'inbound',
        });
      expect(create).toThrowError(refused);
    }
  });
});

describe('AH integrity', () => {
  const create = (integrity: string, keyBits: number, length: number) => () =>
    createAhTransform({
      provider: nobleProvider,
      integrity: integrity as AhIntegrityName,
      keyBits,
      keyingMaterial: new Uint8Array(length),
      extendedSequenceNumbers: false,
      direction: 'inbound',
    });

  it.each([
    ['hmac-md5-96', 0, 16, 'ALGORITHM_FORBIDDEN'],
    ['kpdk-md5', 0, 16, 'ALGORITHM_FORBIDDEN'],
    ['none', 0, 0, 'INTEGRITY_REQUIRED'],
    ['rot13', 0, 0, 'ALGORITHM_UNKNOWN'],
    ['hmac-sha1-96', 0, 19, 'KEYING_MATERIAL_LENGTH'],
    ['aes-gmac', 512, 68, 'KEY_LENGTH'],
    ['aes-gmac', 128, 16, 'KEYING_MATERIAL_LENGTH'],
  ])('%s with a key of %d bits and %d octets is refused', (integrity, keyBits, length, code) => {
    expect(create(integrity, keyBits, length)).toThrowError(expect.objectContaining({ code }));
  });

  it.each([
    ...Object.entries(INTEGRITY).map(([name, { keyLength }]) => [name, 0, keyLength] as const),
    ['aes-gmac', 192, 28] as const,
  ])('%s is offered', (integrity, keyBits, length) => {
    expect(create(integrity, keyBits, length)().icvFieldLength).toBeGreaterThanOrEqual(12);
  });
});
