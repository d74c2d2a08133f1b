import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatApiToken, hashApiTokenSecret, parseApiToken } from './api-token-text.js';

const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => Buffer.from(octets));

describe('the text of an API token', () => {
  it('survives being written and read', () => {
    fc.assert(fc.property(secrets, (secret) => parseApiToken(formatApiToken(secret))?.equals(secret) === true));
  });

  it('begins so that people and scanners know it', () => {
    expect(formatApiToken(Buffer.alloc(32))).toMatch(/^weft_0{64}[0-9a-f]{8}$/);
  });

  it('is none with any character changed, added or removed', () => {
    const edits = fc.constantFrom('', '0', 'f', 'F', 'g', ' ', '_', '00');
    fc.assert(
      fc.property(secrets, fc.nat(80), edits, (secret, at, put) => {
        const text = formatApiToken(secret);
        const broken = text.slice(0, at) + put + text.slice(at + 1);
        fc.pre(broken !== text);
        expect(parseApiToken(broken)).toBeUndefined();
      }),
    );
  });

  it('is known to the database by the SHA-256 of its secret', () => {
    expect(hashApiTokenSecret(Buffer.from('abc'))).toEqual(createHash('sha256').update('abc').digest());
  });
});
