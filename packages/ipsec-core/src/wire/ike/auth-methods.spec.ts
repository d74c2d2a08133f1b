import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../bytes/hex.js';
import {
  type AuthMethodAnnouncement,
  encodeAuthMethods,
  MAXIMUM_ANNOUNCEMENTS,
  parseAuthMethods,
} from './auth-methods.js';

const octet = fc.nat(255);
const announcement: fc.Arbitrary<AuthMethodAnnouncement> = fc.oneof(
  fc.record({ kind: fc.constant('method' as const), method: fc.constantFrom(2, 13) }),
  fc.record({ kind: fc.constant('signature' as const), method: fc.constantFrom(1, 3, 9, 10, 11), certLink: octet }),
  fc.record({
    kind: fc.constant('digital-signature' as const),
    certLink: octet,
    algorithm: fc.uint8Array({ minLength: 1, maxLength: 252 }),
  }),
);

describe('Announcements of authentication methods (RFC 9593 section 3.2)', () => {
  it('have the formats of sections 3.2.1 to 3.2.3', () => {
    const octets = encodeAuthMethods([
      { kind: 'method', method: 2 },
      { kind: 'signature', method: 9, certLink: 1 },
      { kind: 'digital-signature', certLink: 0, algorithm: fromHex('300506032b6570') },
    ]);
    expect(toHex(octets)).toBe('0202' + '030901' + '0a0e00300506032b6570');
  });

  it('come back from their octets unchanged and in order', () => {
    fc.assert(
      fc.property(fc.array(announcement, { maxLength: MAXIMUM_ANNOUNCEMENTS }), (list) => {
        expect(parseAuthMethods(encodeAuthMethods(list))).toEqual(list);
      }),
    );
  });

  it('are passed over when their method or their length for it is unknown, and the others stay', () => {
    fc.assert(
      fc.property(
        announcement,
        announcement,
        octet,
        fc.uint8Array({ maxLength: 253 }),
        (before, after, method, rest) => {
          const stranger = Uint8Array.of(2 + rest.length, method, ...rest);
          const parsed = parseAuthMethods(
            Uint8Array.from([...encodeAuthMethods([before]), ...stranger, ...encodeAuthMethods([after])]),
          );
          const known = parseAuthMethods(stranger);
          expect(parsed).toEqual([before, ...(known ?? []), after]);
          const understood =
            (rest.length === 0 && [2, 13].includes(method)) ||
            (rest.length === 1 && [1, 3, 9, 10, 11].includes(method)) ||
            (rest.length > 1 && method === 14);
          expect(known?.length).toBe(understood ? 1 : 0);
        },
      ),
    );
  });

  it.each([
    ['a length of 0', '0002'],
    ['a length of 1', '01'],
    ['an end that is missing', '0a0e00300506032b65'],
    ['a second one cut short', '020203'],
  ])('are no list with %s', (_, octets) => {
    expect(parseAuthMethods(fromHex(octets))).toBeUndefined();
  });

  it('are no list when there are more than anybody has', () => {
    const list = (count: number) => new Uint8Array(2 * count).fill(2);
    expect(parseAuthMethods(list(MAXIMUM_ANNOUNCEMENTS))).toHaveLength(MAXIMUM_ANNOUNCEMENTS);
    expect(parseAuthMethods(list(MAXIMUM_ANNOUNCEMENTS + 1))).toBeUndefined();
  });

  it('never throw, whatever the octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => void parseAuthMethods(octets)),
      {
        numRuns: 1000,
      },
    );
  });
});
