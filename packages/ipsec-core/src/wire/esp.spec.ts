import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { espPacketLength, espPayloadLength, maximumInnerLength, writeEspTrailer } from './esp.js';
import { classifyEncapsulated } from './udp-encap.js';

const lengths = fc.record({
  ivLength: fc.constantFrom(0, 8, 16),
  icvLength: fc.constantFrom(8, 12, 16, 32),
  alignment: fc.constantFrom(4, 16),
});

describe('ESP lengths (RFC 4303 section 2)', () => {
  it('gives the largest packet that fits, and one octet more does not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 576, max: 9000 }),
        fc.constantFrom(4, 6) as fc.Arbitrary<4 | 6>,
        fc.boolean(),
        lengths,
        (mtu, family, udp, suite) => {
          const outer = (family === 4 ? 20 : 40) + (udp ? 8 : 0);
          const inner = maximumInnerLength(mtu, { family, udp }, suite);
          expect(outer + espPacketLength(inner, suite)).toBeLessThanOrEqual(mtu);
          expect(outer + espPacketLength(inner + 1, suite)).toBeGreaterThan(mtu);
        },
      ),
    );
  });

  it('fits 1438 octets into an underlay of 1500 with AES-GCM-16 in UDP over IPv4', () => {
    const suite = { ivLength: 8, icvLength: 16, alignment: 4 };
    expect(maximumInnerLength(1500, { family: 4, udp: true }, suite)).toBe(1438);
  });

  it('reads the payload length back from the trailer it wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.constantFrom(4, 16), (payload, alignment) => {
        const plain = new Uint8Array(payload + 32).fill(0xaa);
        const trailer = writeEspTrailer(plain, payload, payload, alignment, 4);
        expect((payload + trailer) % alignment).toBe(0);
        expect(espPayloadLength(plain, 0, payload + trailer)).toBe(payload);
      }),
    );
  });

  it('takes as much padding as a peer likes, up to 255 octets', () => {
    for (let padding = 0; padding <= 255; padding++) {
      const plain = Uint8Array.from([9, 9, 9, ...Array.from({ length: padding }, (_, i) => i + 1), padding, 4]);
      expect(espPayloadLength(plain, 0, plain.length)).toBe(3);
    }
  });

  it('refuses padding that is longer than the payload or not 1, 2, 3', () => {
    expect(espPayloadLength(Uint8Array.of(1, 2, 7, 4), 0, 4)).toBe(-1);
    expect(espPayloadLength(Uint8Array.of(2, 1, 2, 4), 0, 4)).toBe(-1);
    expect(espPayloadLength(Uint8Array.of(1, 2, 2, 4), 0, 4)).toBe(0);
    expect(espPayloadLength(Uint8Array.of(4), 0, 1)).toBe(-1);
  });
});

describe('UDP encapsulation (RFC 3948 section 2)', () => {
  it.each([
    [[0xff], 'keepalive'],
    [[0xfe], 'malformed'],
    [[], 'malformed'],
    [[0, 0, 0, 0], 'malformed'],
    [[0, 0, 0, 0, 1], 'ike'],
    [[0, 0, 1, 0, 0, 0, 0], 'malformed'],
    [[0, 0, 1, 0, 0, 0, 0, 1], 'esp'],
    [[0xff, 0xff], 'malformed'],
  ])('calls %j %s', (octets, kind) => {
    expect(classifyEncapsulated(Uint8Array.from(octets), 0, octets.length)).toBe(kind);
  });

  it('does not read beyond the datagram', () => {
    expect(classifyEncapsulated(Uint8Array.of(0xff), 0, 2)).toBe('malformed');
  });
});
