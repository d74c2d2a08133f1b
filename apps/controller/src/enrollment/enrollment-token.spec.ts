import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createToken, formatToken, hashSecret, parseToken } from './enrollment-token.js';

const octets = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array));

describe('enrollment token', () => {
  it('survives being written and read', () => {
    fc.assert(
      fc.property(octets, octets, (secret, rootFingerprint) => {
        expect(parseToken(formatToken({ secret, rootFingerprint }))).toEqual({ secret, rootFingerprint });
      }),
    );
  });

  it('is refused with any one character changed, added or removed that leaves it no token', () => {
    fc.assert(
      fc.property(octets, octets, fc.nat(92), fc.constantFrom('', '=', '+', '/', ' ', '.', 'AA'), (a, b, at, put) => {
        const text = formatToken({ secret: a, rootFingerprint: b });
        const broken = text.slice(0, at) + put + text.slice(at + 1);
        fc.pre(broken !== text);
        expect(() => parseToken(broken)).toThrow(expect.objectContaining({ code: 'bad_field', field: 'token' }));
      }),
    );
  });

  it('has one spelling: unused bits of the last character must be zero', () => {
    const text = formatToken({ secret: Buffer.alloc(32), rootFingerprint: Buffer.alloc(32) });
    expect(text).toMatch(/A$/);
    expect(() => parseToken(text.replace(/A$/, 'B'))).toThrow('token: ');
  });

  it('is made of 32 random octets and the fingerprint', () => {
    const fingerprint = Buffer.alloc(32, 7);
    const [one, other] = [createToken(fingerprint), createToken(fingerprint)];
    expect(one.secret).toHaveLength(32);
    expect(one.secret.equals(other.secret)).toBe(false);
    expect(one.rootFingerprint).toEqual(fingerprint);
  });

  it('is known to the database by the SHA-256 of its secret', () => {
    expect(hashSecret(Buffer.from('abc'))).toEqual(createHash('sha256').update('abc').digest());
  });
});
