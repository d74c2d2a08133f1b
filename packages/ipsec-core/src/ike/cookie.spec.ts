import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { seededRandom } from '../testing/seeded-random.js';
import { CookieJar } from './cookie.js';

const MINUTE = 60_000;
const nonce = new Uint8Array(32).fill(1);
const spi = new Uint8Array(8).fill(2);
const remote = { address: Uint8Array.of(192, 0, 2, 1), port: 500 };

describe('A cookie (RFC 7296 section 2.6)', () => {
  it('is taken for a minute at least and for no more than two, whenever others are made and shown', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 5 * MINUTE }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 0, max: 5 * MINUTE }), (before, age) => {
        const jar = new CookieJar(nodeCryptoProvider, seededRandom(1).fill);
        let now = 0;
        for (const pause of before) {
          now += pause;
          jar.make(nonce, remote, spi, now);
        }
        const cookie = jar.make(nonce, remote, spi, now);
        const taken = jar.isValid(cookie, nonce, remote, spi, now + age);
        if (age < MINUTE) expect(taken).toBe(true);
        if (age >= 2 * MINUTE) expect(taken).toBe(false);
      }),
    );
  });

  it('is that of a nonce, an address and an SPI', () => {
    const jar = new CookieJar(nodeCryptoProvider, seededRandom(1).fill);
    const cookie = jar.make(nonce, remote, spi, 0);
    const other = { address: Uint8Array.of(192, 0, 2, 2), port: 500 };
    expect([
      jar.isValid(cookie, nonce, remote, spi, 1),
      jar.isValid(cookie, new Uint8Array(32), remote, spi, 1),
      jar.isValid(cookie, nonce, other, spi, 1),
      jar.isValid(cookie, nonce, remote, new Uint8Array(8), 1),
      jar.isValid(cookie.subarray(1), nonce, remote, spi, 1),
    ]).toEqual([true, false, false, false, false]);
  });
});
