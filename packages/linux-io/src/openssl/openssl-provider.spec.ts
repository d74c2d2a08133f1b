import { type CryptoProvider, nobleProvider } from '@weft/ipsec-core';
import { cryptoProviderCases, VECTORS_ABSENT, vectorFolder } from '@weft/ipsec-core/conformance';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate } from '../ffi/memory.js';
import { findOpenSslProvider } from './openssl-provider.js';

const found = findOpenSslProvider();

describe('OpenSSL of this Node', () => {
  it('is usable in the official binaries', () => {
    expect(found).toMatchObject({ kind: 'found' });
  });
});

describe.skipIf(found.kind !== 'found').each([
  ['with all calls for a packet in one list', true],
  ['with one call after the other', false],
])('OpenSSL provider %s', (_, listCalls) => {
  const provider = (findOpenSslProvider({ listCalls }) as { provider: CryptoProvider }).provider;

  it('passes every public vector of what it offers', (context) => {
    const folder = vectorFolder();
    if (folder === undefined) return context.skip(VECTORS_ABSENT);
    const sources = new Set<string>();
    const failures: string[] = [];
    for (const { source, name, run } of cryptoProviderCases(provider, folder)) {
      sources.add(source);
      try {
        run();
      } catch (error) {
        failures.push(`${source} ${name}: ${String(error)}`);
      }
    }
    expect(failures).toEqual([]);
    // No algorithm of the oracle is left out.
    expect(sources).toEqual(new Set([...cryptoProviderCases(nobleProvider, folder)].map(({ source }) => source)));
  });

  const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const message = fc.uint8Array({ maxLength: 200 });
  const AEADS = [
    ['aes-gcm', 16, 12, [8, 12, 16]],
    ['aes-gcm', 32, 12, [16]],
    ['aes-ccm', 24, 11, [8, 12, 16]],
    ['chacha20-poly1305', 32, 12, [16]],
  ] as const;

  it.each(AEADS)(
    '%s with %i octets of key agrees with noble, in an arena and outside, in place and moved',
    (algorithm, keyLength, nonceLength, tags) => {
      const arena = allocate(1024).bytes;
      const heap = new Uint8Array(1024);
      const input = fc.record({
        key: octets(keyLength),
        nonces: fc.array(octets(nonceLength), { minLength: 1, maxLength: 3 }),
        aad: fc.oneof(message, octets(8), octets(12)),
        plain: message,
        tagLength: fc.constantFrom(...tags),
        offset: fc.nat(64),
        outOffset: fc.nat(700),
        from: fc.constantFrom(arena, heap),
        to: fc.constantFrom(arena, heap),
      });
      fc.assert(
        fc.property(input, ({ key, nonces, aad, plain, tagLength, offset, outOffset, from, to }) => {
          const sealing = provider.aead(algorithm, key, tagLength, 'outbound');
          const opening = provider.aead(algorithm, key, tagLength, 'inbound');
          const oracle = nobleProvider.aead(algorithm, key, tagLength, 'outbound');
          // Several packets through one context.
          for (const nonce of nonces) {
            const expected = new Uint8Array(plain.length + tagLength);
            expected.set(plain);
            oracle.seal(nonce, aad, aad.length, expected, 0, plain.length);
            from.set(plain, offset);
            sealing.seal(nonce, aad, aad.length, from, offset, plain.length);
            expect(from.slice(offset, offset + expected.length)).toEqual(expected);
            expect(opening.open(nonce, aad, aad.length, from, offset, plain.length, to, outOffset)).toBe(true);
            expect(to.slice(outOffset, outOffset + plain.length)).toEqual(plain);
          }
          sealing.destroy();
          opening.destroy();
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each(AEADS)(
    '%s with %i octets of key leaves no plaintext behind when the tag is wrong',
    (algorithm, keyLength, nonceLength, [tagLength]) => {
      const [key, nonce] = [new Uint8Array(keyLength).fill(1), new Uint8Array(nonceLength).fill(2)];
      const buffer = allocate(128).bytes.fill(0x41);
      provider.aead(algorithm, key, tagLength, 'outbound').seal(nonce, key, 8, buffer, 0, 48);
      buffer[48] = (buffer[48] ?? 0) ^ 1;
      const opening = provider.aead(algorithm, key, tagLength, 'inbound');
      for (const out of [buffer, allocate(64).bytes, new Uint8Array(64)]) {
        const cipher = buffer.slice();
        expect(opening.open(nonce, key, 8, out === buffer ? buffer : cipher, 0, 48, out, 0)).toBe(false);
        expect(out.subarray(0, 48)).not.toContain(0x41);
      }
    },
  );

  it.each(['aes-cbc', 'aes-ctr'] as const)('%s agrees with noble', (algorithm) => {
    const arena = allocate(1024).bytes;
    const input = fc.record({
      key: fc.constantFrom(16, 24, 32).chain(octets),
      iv: octets(16),
      plain: fc.nat(12).chain((blocks) => octets(16 * blocks)),
      outOffset: fc.nat(300),
      from: fc.constantFrom(arena, new Uint8Array(1024)),
    });
    fc.assert(
      fc.property(input, ({ key, iv, plain, outOffset, from }) => {
        const expected = new Uint8Array(plain.length);
        nobleProvider.cipher(algorithm, key, 'outbound').apply(iv, plain, 0, plain.length, expected, 0);
        for (let packet = 0; packet < 2; packet++) {
          from.set(plain, 3);
          provider.cipher(algorithm, key, 'outbound').apply(iv, from, 3, plain.length, arena, outOffset);
          expect(arena.slice(outOffset, outOffset + plain.length)).toEqual(expected);
        }
        provider.cipher(algorithm, key, 'inbound').apply(iv, arena, outOffset, plain.length, arena, outOffset);
        expect(arena.slice(outOffset, outOffset + plain.length)).toEqual(plain);
      }),
      { numRuns: 60 },
    );
  });

  it.each(provider?.macs ?? [])('%s agrees with noble', (algorithm) => {
    const arena = allocate(1024).bytes;
    const input = fc.record({ key: octets(16), data: message, from: fc.constantFrom(arena, new Uint8Array(1024)) });
    fc.assert(
      fc.property(input, ({ key, data, from }) => {
        const [expected, actual] = [new Uint8Array(64), new Uint8Array(64)];
        nobleProvider.mac(algorithm, key).compute(data, 0, data.length, expected);
        const mac = provider.mac(algorithm, key);
        from.set(data, 5);
        for (let packet = 0; packet < 2; packet++) mac.compute(from, 5, data.length, actual);
        expect(actual).toEqual(expected);
        mac.destroy();
      }),
      { numRuns: 60 },
    );
  });

  it.each([...(provider?.macs ?? []), 'gmac'] as const)('%s covers what stands around the message', (algorithm) => {
    const arena = allocate(1024).bytes;
    const input = fc.record({
      key: octets(16),
      head: fc.uint8Array({ maxLength: 16 }),
      data: message,
      tail: fc.uint8Array({ maxLength: 8 }),
      from: fc.constantFrom(arena, new Uint8Array(1024)),
    });
    fc.assert(
      fc.property(input, ({ key, head, data, tail, from }) => {
        const [expected, actual] = [new Uint8Array(64), new Uint8Array(64)];
        from.set(data, 5);
        if (algorithm === 'gmac') {
          const nonce = key.subarray(0, 12);
          const covered = Uint8Array.of(...head, ...data, ...tail);
          nobleProvider.aead('aes-gcm', key, 16, 'outbound').seal(nonce, covered, covered.length, expected, 0, 0);
          provider.gmac(key).compute(nonce, head, from, 5, data.length, tail, actual);
        } else {
          const covered = Uint8Array.of(...data, ...tail);
          nobleProvider.mac(algorithm, key).compute(covered, 0, covered.length, expected);
          provider.mac(algorithm, key).compute(from, 5, data.length, actual, tail);
        }
        expect(actual).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses octets outside their array, and keys after they were destroyed, instead of corrupting the process', () => {
    const buffer = allocate(64).bytes;
    const nonce = new Uint8Array(12);
    const sealing = provider.aead('aes-gcm', new Uint8Array(16), 16, 'outbound');
    const opening = provider.aead('aes-gcm', new Uint8Array(16), 16, 'inbound');
    const mac = provider.mac('hmac-sha2-256', new Uint8Array(32));
    const xcbc = provider.mac('aes-xcbc', new Uint8Array(16));
    const gmac = provider.gmac(new Uint8Array(16));
    const cipher = provider.cipher('aes-cbc', new Uint8Array(16), 'outbound');
    const compute = (offset: number) => gmac.compute(nonce, nonce, buffer, offset, 5, nonce, new Uint8Array(16));
    expect(() => sealing.seal(nonce, nonce, 0, buffer, 0, 64)).toThrow(RangeError);
    expect(() => sealing.seal(nonce, nonce, 0, buffer, -1, 8)).toThrow(RangeError);
    expect(() => opening.open(nonce, nonce, 0, buffer, 0, 48, buffer, 32)).toThrow(RangeError);
    expect(() => opening.open(nonce, nonce, 0, buffer, 32, 32, buffer, 0)).toThrow(RangeError);
    expect(() => mac.compute(buffer, 60, 5, new Uint8Array(32))).toThrow(RangeError);
    expect(() => xcbc.compute(buffer, 60, 5, new Uint8Array(32))).toThrow(RangeError);
    expect(() => compute(60)).toThrow(RangeError);
    expect(() => cipher.apply(new Uint8Array(16), buffer, 0, 32, buffer, 48)).toThrow(RangeError);
    for (const keyed of [sealing, opening, mac, xcbc, gmac, cipher]) keyed.destroy();
    for (const keyed of [sealing, opening, mac, xcbc, gmac, cipher]) keyed.destroy();
    expect(() => sealing.seal(nonce, nonce, 0, buffer, 0, 8)).toThrow(ReferenceError);
    expect(() => mac.compute(buffer, 0, 5, new Uint8Array(32))).toThrow(ReferenceError);
    expect(() => xcbc.compute(buffer, 0, 5, new Uint8Array(32))).toThrow(ReferenceError);
    expect(() => compute(0)).toThrow(ReferenceError);
    expect(() => cipher.apply(new Uint8Array(16), buffer, 0, 32, buffer, 0)).toThrow(ReferenceError);
  });

  it('does not let a destroyed key use what another has taken over from it', () => {
    const nonce = new Uint8Array(12);
    const buffer = allocate(64).bytes;
    const destroyed = provider.aead('aes-gcm', new Uint8Array(16).fill(1), 16, 'outbound');
    destroyed.destroy();
    const later = provider.aead('aes-gcm', new Uint8Array(16).fill(2), 16, 'outbound');
    destroyed.destroy();
    const third = provider.aead('aes-gcm', new Uint8Array(16).fill(3), 16, 'inbound');
    expect(() => destroyed.seal(nonce, nonce, 8, buffer, 0, 8)).toThrow(ReferenceError);
    later.seal(nonce, nonce, 8, buffer, 0, 8);
    expect(third.open(nonce, nonce, 8, buffer, 0, 8, buffer, 0)).toBe(false);
  });

  it('refuses keys of lengths that the algorithm does not have', () => {
    expect(() => provider.aead('aes-gcm', new Uint8Array(17), 16, 'outbound')).toThrow(RangeError);
    expect(() => provider.aead('chacha20-poly1305', new Uint8Array(16), 16, 'outbound')).toThrow(RangeError);
    expect(() => provider.cipher('aes-ctr', new Uint8Array(0), 'outbound')).toThrow(RangeError);
    expect(() => provider.mac('hmac-sha1', new Uint8Array(1024))).toThrow(RangeError);
    expect(() => provider.gmac(new Uint8Array(17))).toThrow(RangeError);
  });
});
