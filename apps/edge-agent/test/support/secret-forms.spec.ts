import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretsIn } from './secret-forms.js';

const octets = fc.uint8Array({ minLength: 16, maxLength: 80 });
const around = fc.uint8Array({ maxLength: 40 });

describe('what of secrets a text shows', () => {
  it.each<readonly [string, (whole: Buffer) => string]>([
    ['hex', (whole) => whole.toString('hex')],
    ['hex of the other case', (whole) => whole.toString('hex').toUpperCase()],
    ['base64', (whole) => whole.toString('base64')],
    ['base64url', (whole) => whole.toString('base64url')],
    ['what JSON makes of a Buffer', (whole) => JSON.stringify(whole)],
    ['a list of octets', (whole) => `${[...whole]}`],
    ['what is printed raw', (whole) => whole.toString('latin1')],
    ['what JSON makes of that', (whole) => JSON.stringify(whole.toString('latin1'))],
  ])('is found in %s, whatever stands around it', (_, write) => {
    fc.assert(
      fc.property(octets, around, around, (secret, before, after) => {
        const text = write(Buffer.concat([before, secret, after]));
        expect(secretsIn(text, [{ name: 'key', octets: secret }])).not.toEqual([]);
      }),
    );
  });

  it('is found in what JSON and a console make of an array of its own, and where only an end of it is shown', () => {
    const secret = Uint8Array.from(randomBytes(32));
    const known = [{ name: 'key', octets: secret }];
    expect(secretsIn(JSON.stringify({ secret }), known)).toEqual(['key as octets']);
    expect(secretsIn(inspect(Buffer.from(secret)), known)).toEqual(['key as hex']);
    expect(secretsIn(Buffer.from(secret.subarray(16)).toString('hex'), known)).toEqual(['key as hex']);
    expect(secretsIn(Buffer.from(secret.subarray(0, 16)).toString('hex'), known)).toEqual(['key as hex']);
  });

  it('is nothing where another is shown', () => {
    fc.assert(
      fc.property(octets, (shown) => {
        const text = [
          shown.join(','),
          Buffer.from(shown).toString('hex'),
          Buffer.from(shown).toString('base64'),
        ].join();
        expect(secretsIn(text, [{ name: 'key', octets: randomBytes(32) }])).toEqual([]);
      }),
    );
  });
});
