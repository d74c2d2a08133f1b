import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { equalConstantTime } from './compare.js';
import { fromHex, toHex } from './hex.js';
import { Secret } from './secret.js';

describe('secret', () => {
  it('shows itself nowhere', () => {
    const secret = new Secret(Uint8Array.of(0xde, 0xad));
    const shown = [`${secret}`, JSON.stringify({ secret }), inspect(secret), inspect({ secret }, { showHidden: true })];
    for (const text of shown) expect(text).toContain('[secret]');
    for (const text of shown) expect(text).not.toMatch(/222|173|de|ad/);
  });

  it('owns a copy and wipes it', () => {
    const octets = Uint8Array.of(1, 2);
    const secret = new Secret(octets);
    octets.fill(9);
    expect(secret.reveal(toHex)).toBe('0102');
    secret.wipe();
    expect(secret.reveal(toHex)).toBe('0000');
  });

  it('owns a copy of a Buffer, too, whose slice would be none', () => {
    const octets = Buffer.of(1, 2);
    const secret = new Secret(octets);
    secret.wipe();
    expect(toHex(octets)).toBe('0102');
  });
});

describe('octets', () => {
  it('compares only what both have', () => {
    const octets = fromHex('01 02 03');
    expect(equalConstantTime(octets, 0, fromHex('010203'), 0, 3)).toBe(true);
    expect(equalConstantTime(octets, 1, fromHex('0203'), 0, 2)).toBe(true);
    expect(equalConstantTime(octets, 0, fromHex('010204'), 0, 3)).toBe(false);
    expect(equalConstantTime(octets, 0, fromHex('0102'), 0, 3)).toBe(false);
  });

  it.each(['0', '0g', '0x01'])('refuses "%s" as hexadecimal', (text) => {
    expect(() => fromHex(text)).toThrowError(RangeError);
  });
});
