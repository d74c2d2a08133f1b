import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../bytes/hex.js';
import { Secret } from '../bytes/secret.js';
import { hkdfExpand, hkdfExtract, sha384Of } from '../crypto/ike/hkdf.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import { Chain } from './chain.js';
import { deriveRoot, transcriptOf } from './key-schedule.js';

const hex = (secret: Secret) => secret.reveal(toHex);
const label = (name: string) => Buffer.from(`weft controller-blind ${name}\0`, 'latin1');
/** HKDF-Expand as RFC 5869 section 2.3 writes it, of Node's HMAC: nothing of it is ours. */
function expand(key: Buffer, info: Buffer, length: number): Buffer {
  let [out, previous] = [Buffer.alloc(0), Buffer.alloc(0)];
  for (let round = 1; out.length < length; round++) {
    previous = createHmac('sha384', key)
      .update(Buffer.concat([previous, info, Buffer.of(round)]))
      .digest();
    out = Buffer.concat([out, previous]);
  }
  return out.subarray(0, length);
}

const x25519 = Uint8Array.from({ length: 32 }, (_unused, at) => at);
const kem = Uint8Array.from({ length: 32 }, (_unused, at) => 0xff - at);
const transcript = transcriptOf(sha384Of(Uint8Array.of(1)), sha384Of(Uint8Array.of(2)));
const derive = () => deriveRoot(nobleProvider, transcript, new Secret(x25519), new Secret(kem));

describe('HKDF-SHA-384 (RFC 5869)', () => {
  it('gives what OpenSSL gives, at every length around those of the hash', () => {
    for (const length of [1, 4, 36, 47, 48, 49, 96, 97, 300]) {
      const [salt, info] = [Buffer.alloc(length, 3), Buffer.alloc(length % 50, 5)];
      const ours = hkdfExpand(nobleProvider, hkdfExtract(nobleProvider, salt, x25519), info, length);
      expect(hex(ours)).toBe(Buffer.from(hkdfSync('sha384', x25519, salt, info, length)).toString('hex'));
    }
    expect(() => hkdfExpand(nobleProvider, new Secret(kem), x25519, 255 * 48 + 1)).toThrow(RangeError);
  });
});

describe('the key schedule of relayed key shares (ADR 26)', () => {
  const root = createHmac('sha384', transcript).update(x25519).update(kem).digest();

  it('is the one that is written down, computed a second time without any code of ours', () => {
    const digests = [1, 2].map((octet) => createHash('sha384').update(Buffer.of(octet)).digest());
    expect(toHex(transcript)).toBe(
      createHash('sha384')
        .update(Buffer.concat([label('transcript'), ...digests]))
        .digest('hex'),
    );
    const { chains, confirmation } = derive();
    expect(hex(confirmation)).toBe(expand(root, label('confirmation'), 48).toString('hex'));
    for (const [role, octet] of [
      ['offering', 1],
      ['answering', 2],
    ] as const) {
      let key = expand(root, Buffer.concat([label('chain'), Buffer.of(octet)]), 48);
      const chain = new Chain(nobleProvider, chains[role], 0);
      for (let number = 0; number < 5; number++) {
        const association = chain.take(36);
        expect(association?.number).toBe(number);
        expect(association?.spi).toBe(expand(key, label('spi'), 4).readUInt32BE());
        expect(association && hex(association.keyingMaterial)).toBe(expand(key, label('keymat'), 36).toString('hex'));
        key = expand(key, label('next'), 48);
      }
    }
  });

  it('has known answers', () => {
    const { chains, confirmation } = derive();
    const first = new Chain(nobleProvider, chains.offering, 0).take(36);
    expect(toHex(transcript)).toBe(KNOWN.transcript);
    expect(hex(confirmation)).toBe(KNOWN.confirmation);
    expect(first && { spi: first.spi, keymat: hex(first.keyingMaterial) }).toEqual(KNOWN.first);
  });

  it('depends on both secrets, on the transcript, and on the direction', () => {
    const chainOf = (transcriptOctets: Uint8Array, one: Uint8Array, other: Uint8Array) =>
      hex(deriveRoot(nobleProvider, transcriptOctets, new Secret(one), new Secret(other)).chains.offering);
    const flipped = (octets: Uint8Array) => octets.map((octet, at) => (at === 7 ? octet ^ 1 : octet));
    const all = [
      chainOf(transcript, x25519, kem),
      chainOf(flipped(transcript), x25519, kem),
      chainOf(transcript, flipped(x25519), kem),
      chainOf(transcript, x25519, flipped(kem)),
      chainOf(transcript, kem, x25519),
      hex(derive().chains.answering),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('wipes what it was made of, and what a chain has passed', () => {
    const [one, other] = [new Secret(x25519), new Secret(kem)];
    const { chains } = deriveRoot(nobleProvider, transcript, one, other);
    expect(hex(one) + hex(other)).toMatch(/^0+$/);
    const chain = new Chain(nobleProvider, chains.offering, 0);
    chain.advanceTo(1);
    expect(hex(chains.offering)).toMatch(/^0+$/);
    const copy = chain.copy();
    chain.wipe();
    expect(chain.reveal(toHex)).toMatch(/^0+$/);
    expect(copy.reveal(toHex)).not.toMatch(/^0+$/);
  });

  it('prints no key', () => {
    const chain = new Chain(nobleProvider, derive().chains.offering, 0);
    const key = chain.reveal(toHex);
    const shown = `${inspect(chain, { depth: 9, showHidden: true })}${JSON.stringify(chain)}${chain}`;
    expect(shown).not.toContain(key.slice(0, 16));
    expect(shown).not.toContain(fromHex(key).join(', ').slice(0, 20));
  });

  it('ends after its last association', () => {
    const chain = new Chain(nobleProvider, derive().chains.offering, 4095);
    expect(chain.take(36)?.number).toBe(4095);
    expect(chain.exhausted).toBe(true);
    expect(chain.take(36)).toBeUndefined();
    chain.advanceTo(9999);
    expect(chain.position).toBe(4096);
  });
});

/** Computed by Node's own HMAC when the schedule was written down: another value means that edges of two versions do not understand each other. */
const KNOWN = {
  transcript: 'fccaabf3f86230c97e2d262c7745cda5d0cddace037f298fbaf43397f99edad9cc82f60b2ae6b2b5c9efac4c54ff8f0f',
  confirmation: 'ed2409c7e00b4119a53d96e1d9e42a520cbe9b1f4f38d78b44fc0b90adda48a9d47bc4721c9a4e73840a6299ec6722c6',
  first: { spi: 1579805182, keymat: '64356595b7128dd276eec32b93516e193f6873e6223d1781129c5949078d4d9484832c6b' },
};
