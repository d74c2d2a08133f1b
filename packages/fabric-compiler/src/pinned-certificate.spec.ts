import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUTHORITY, GATEWAY } from '../test/certificates.js';
import { parseIkeIdentity } from './external-identity.js';
import { readPinnedCertificate } from './pinned-certificate.js';

describe('a certificate that is pinned', () => {
  it('is known for an authority, or by its names', () => {
    expect(readPinnedCertificate(AUTHORITY)).toEqual({ authority: true, names: [] });
    const names = ['GW.partner.example', 'ops@partner.example', '203.0.113.99', '2001:db8::9'].map(parseIkeIdentity);
    expect(readPinnedCertificate(GATEWAY)).toEqual({ authority: false, names });
  });

  it('is none when anything is missing at its end or follows it, and nothing else is one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: GATEWAY.length - 1 }),
        fc.constantFrom('0', '00', '3000', '0g'),
        (length, more) => {
          expect(readPinnedCertificate(GATEWAY.slice(0, length))).toBeUndefined();
          expect(readPinnedCertificate(GATEWAY + more)).toBeUndefined();
        },
      ),
    );
  });

  it('is read or refused, whatever octets it has', () => {
    const octets = fc.integer({ min: 0, max: GATEWAY.length / 2 - 1 });
    fc.assert(
      fc.property(octets, fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = GATEWAY.slice(0, 2 * at) + value.toString(16).padStart(2, '0') + GATEWAY.slice(2 * at + 2);
        expect(() => readPinnedCertificate(changed)).not.toThrow();
      }),
    );
  });
});
