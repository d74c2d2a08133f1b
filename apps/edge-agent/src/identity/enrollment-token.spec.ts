import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnrollmentToken } from './enrollment-token.js';

const octets = () => randomBytes(32).toString('base64url');

describe('enrollment token', () => {
  it('gives the pin, and takes blanks around a paste', () => {
    const pin = randomBytes(32);
    const text = `weft1.${octets()}.${pin.toString('base64url')}`;
    expect(parseEnrollmentToken(`  ${text}\n`)).toEqual({ text, rootFingerprint: new Uint8Array(pin) });
  });

  it.each([
    ['', 'nothing'],
    [`weft2.${octets()}.${octets()}`, 'another version'],
    [`weft1.${octets()}`, 'no pin'],
    [`weft1.${octets()}.${octets()}.x`, 'a fourth part'],
    [`weft1.${octets().slice(1)}.${octets()}`, 'a short secret'],
    [`weft1.${octets()}.${octets()}=`, 'padding'],
    [`weft1.${octets()}.*${octets().slice(1)}`, 'a foreign character'],
    [`weft1.${octets().slice(0, -1)}B.${octets()}`, 'bits that mean nothing'],
  ])('refuses %s (%s)', (text) => {
    expect(() => parseEnrollmentToken(text)).toThrow(expect.objectContaining({ code: 'token_malformed' }));
  });

  it('takes no text at random, and quotes none of it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), (text) => {
        expect(() => parseEnrollmentToken(`weft1.${text}`)).toThrow(
          expect.objectContaining({ message: expect.not.stringContaining(text) }),
        );
      }),
    );
  });
});
