import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../../providers/node-crypto/node-crypto-provider.js';
import { loadVectors, skipReason, vectorsFolder } from '../../../test/ike/vectors.js';
import { fromHex, toHex } from '../../bytes/hex.js';
import { Secret } from '../../bytes/secret.js';
import { HEADER_LENGTH } from '../../wire/ike/header.js';
import { nobleProvider } from '../noble/noble-provider.js';
import { ENCRYPTION } from '../suites.js';
import { createSkCipher } from './sk-cipher.js';
import { type IkeSuite, keyLengths } from './suite.js';

type Cipher = Pick<IkeSuite, 'encryption' | 'keyBits' | 'integrity'>;

const combined = (['aes-gcm-8', 'aes-gcm-12', 'aes-gcm-16', 'aes-ccm-8', 'aes-ccm-12', 'aes-ccm-16'] as const).flatMap(
  (encryption) => [128, 192, 256].map((keyBits): Cipher => ({ encryption, keyBits, integrity: undefined })),
);
const separate = (['aes-cbc', 'aes-ctr'] as const).flatMap((encryption) =>
  (
    [
      'hmac-sha1-96',
      'hmac-sha2-256-128',
      'hmac-sha2-384-192',
      'hmac-sha2-512-256',
      'aes-xcbc-96',
      'aes-cmac-96',
    ] as const
  ).map((integrity): Cipher => ({ encryption, keyBits: 256, integrity })),
);
const chacha: Cipher = { encryption: 'chacha20-poly1305', keyBits: 256, integrity: undefined };

const cipherFor = (suite: Cipher, direction: 'inbound' | 'outbound', provider = nobleProvider) => {
  const lengths = keyLengths(suite);
  return createSkCipher({
    provider,
    suite,
    encryptionKey: new Secret(new Uint8Array(lengths.encryption).map((_, i) => i)),
    integrityKey: new Secret(new Uint8Array(lengths.integrity).map((_, i) => 255 - i)),
    direction,
    random: (out) => out.fill(0x5a),
  });
};

describe('SK protection', () => {
  it.each(
    [...combined, ...separate, chacha].map(
      (suite) => [`${suite.encryption} ${suite.keyBits} ${suite.integrity}`, suite] as const,
    ),
  )('%s: opens with the other provider, and not after any change', (_name, suite) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.nat(),
        (plain, aad, at) => {
          const sealed = cipherFor(suite, 'outbound').seal(aad, plain);
          const opener = cipherFor(suite, 'inbound', nodeCryptoProvider);
          expect(cipherFor(suite, 'outbound').sealedLength(plain.length)).toBe(sealed.length);
          expect(toHex(opener.open(aad, sealed) ?? fromHex('ff'))).toBe(toHex(plain));
          const changed = sealed.slice();
          changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ 1;
          expect(opener.open(aad, changed)).toBeUndefined();
          expect(opener.open(aad, sealed.subarray(0, at % sealed.length))).toBeUndefined();
          aad[0] = (aad[0] ?? 0) ^ 1;
          expect(opener.open(aad, sealed)).toBeUndefined();
        },
      ),
      { numRuns: 12 },
    );
  });

  it('takes padding of any length and content, as long as it is not more than there is (RFC 7296 section 3.14)', () => {
    const suite = { encryption: 'aes-gcm-16', keyBits: 128, integrity: undefined } as const;
    const parameters = ENCRYPTION[suite.encryption];
    if (parameters.kind !== 'combined') throw new Error('AES-GCM is a combined mode.');
    const key = new Uint8Array(20).map((_, i) => i);
    const aead = nobleProvider.aead(parameters.algorithm, key.subarray(0, 16), 16, 'outbound');
    const aad = fromHex('0102');
    const seal = (content: Uint8Array) => {
      const out = new Uint8Array(8 + content.length + 16);
      out.set(content, 8);
      aead.seal(Uint8Array.of(...key.subarray(16), ...out.subarray(0, 8)), aad, aad.length, out, 8, content.length);
      return cipherFor(suite, 'inbound').open(aad, out);
    };
    for (const length of [0, 1, 15, 200, 255]) {
      expect(seal(Uint8Array.of(7, 8, 9, ...new Uint8Array(length).fill(0xaa), length))).toEqual(fromHex('070809'));
    }
    expect(seal(Uint8Array.of(7, 2))).toBeUndefined();
    expect(seal(Uint8Array.of(7, 1))).toEqual(new Uint8Array(0));
  });

  it('never seals twice with one IV', () => {
    const cipher = cipherFor(chacha, 'outbound');
    const [a, b] = [
      cipher.seal(new Uint8Array(1), new Uint8Array(1)),
      cipher.seal(new Uint8Array(1), new Uint8Array(1)),
    ];
    expect(toHex(a.subarray(0, 8))).not.toBe(toHex(b.subarray(0, 8)));
  });
});

interface Capture {
  readonly keys: Readonly<Record<string, string>>;
  readonly vectors: readonly { name: string; flags: string; message: string; decrypted?: string }[];
}

describe.skipIf(vectorsFolder === undefined)(`Captures with keys (${skipReason})`, () => {
  it.each([
    ['ikev2-decrypt-aes128ccm12.pcap', { encryption: 'aes-ccm-12', keyBits: 128, integrity: undefined }],
    ['ikev2-decrypt-aes192ctr.pcap', { encryption: 'aes-ctr', keyBits: 192, integrity: 'hmac-sha2-512-256' }],
    ['ikev2-decrypt-aes256cbc.pcapng', { encryption: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-256-128' }],
    ['ikev2-decrypt-aes256gcm16.pcap', { encryption: 'aes-gcm-16', keyBits: 256, integrity: undefined }],
  ] as const)('%s: every SK payload opens to what the reference found', (file, suite) => {
    const capture = loadVectors<Capture['vectors'][number]>(`pcap/${file}.json`) as unknown as Capture;
    let opened = 0;
    for (const { name, flags, message, decrypted } of capture.vectors) {
      if (decrypted === undefined) continue;
      const side = (Number.parseInt(flags, 16) & 0x08) !== 0 ? 'i' : 'r';
      const cipher = createSkCipher({
        provider: nobleProvider,
        suite,
        encryptionKey: new Secret(fromHex(capture.keys[`SK_e${side}`]!)),
        integrityKey: new Secret(fromHex(capture.keys[`SK_a${side}`] ?? '')),
        direction: 'inbound',
        random: () => undefined,
      });
      const octets = fromHex(message);
      const plain = cipher.open(octets.subarray(0, HEADER_LENGTH + 4), octets.subarray(HEADER_LENGTH + 4));
      expect([name, plain && toHex(plain)]).toEqual([name, decrypted]);
      opened++;
    }
    expect(opened).toBeGreaterThanOrEqual(2);
  });
});
