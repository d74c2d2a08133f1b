import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../reader.js';
import { attempt } from '../wire-error.js';
import { Writer } from '../writer.js';
import { authoritiesOf, encodeCertificateRequest, parseCertificateRequest } from './certificate-request.js';

const parse = (encoding: number, authorities: Uint8Array) => {
  const writer = new Writer();
  encodeCertificateRequest({ kind: 'CERTREQ', encoding, authorities }, writer);
  return attempt(() => parseCertificateRequest(new Reader(writer.finish(), 'CERTREQ')));
};
const octets = (count: number) => new Uint8Array(count).fill(7);

describe('A certificate request', () => {
  it('comes back from its octets unchanged, and its authorities are 20 octets each where it has any', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(5), (encoding, count) => {
        const authorities = octets(encoding === 15 ? 0 : 20 * count);
        const parsed = parse(encoding, authorities);
        expect(parsed).toEqual({ ok: true, value: { kind: 'CERTREQ', encoding, authorities } });
        const listed = parsed.ok ? authoritiesOf(parsed.value) : [];
        expect(listed.map(({ length }) => length)).toEqual(
          new Array([4, 12, 13].includes(encoding) ? count : 0).fill(20),
        );
      }),
    );
  });

  it.each([4, 12, 13])('of encoding %d has whole hashes (RFC 7296 section 3.7)', (encoding) => {
    for (const length of [1, 19, 21, 39]) expect(parse(encoding, octets(length))).toMatchObject({ ok: false });
  });

  it('for raw public keys names no authority (RFC 7670 section 3)', () => {
    expect(parse(15, octets(0)).ok).toBe(true);
    for (const length of [1, 20]) expect(parse(15, octets(length))).toMatchObject({ ok: false });
  });

  it('of an encoding that we do not know may hold anything', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 7, 11, 14, 16, 201, 255),
        fc.uint8Array({ maxLength: 60 }),
        (encoding, some) => {
          expect(parse(encoding, some).ok).toBe(true);
        },
      ),
    );
  });
});
