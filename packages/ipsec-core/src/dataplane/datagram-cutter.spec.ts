import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reassemble } from '../../test/support/reassemble.js';
import { readUint16 } from '../bytes/octets.js';
import { parseAddress } from '../wire/ip/address.js';
import { checksumAdd, checksumFinish } from '../wire/ip/checksum.js';
import { DatagramCutter } from './datagram-cutter.js';

const HEADERS = {
  4: { family: 4, source: parseAddress('192.0.2.1'), destination: parseAddress('192.0.2.2'), hopLimit: 64 },
  6: { family: 6, source: parseAddress('2001:db8::a'), destination: parseAddress('2001:db8::b'), hopLimit: 64 },
} as const;

describe('ESP in UDP that is cut on its way out', () => {
  it('is put together again as one datagram between the same ports, and no piece is too large', () => {
    const families = fc.constantFrom(4 as const, 6 as const);
    const payloads = fc.uint8Array({ minLength: 1, maxLength: 4000 });
    fc.assert(
      fc.property(families, payloads, fc.integer({ min: 600, max: 1500 }), (family, payload, limit) => {
        const cutter = new DatagramCutter((out) => out.fill(7));
        expect(cutter.begin(HEADERS[family], 4500, 4501, 0b10, payload, 0, payload.length, limit)).toBe(true);
        const pieces: Uint8Array[] = [];
        while (cutter.pending) {
          const out = new Uint8Array(1500);
          pieces.push(out.slice(0, cutter.write(out, 0)));
        }
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(limit);
        expect(cutter.write(new Uint8Array(1500), 0)).toBe(0);
        const whole = pieces.length === 1 && family === 4 ? pieces[0] : reassemble(pieces);
        const udp = family === 4 ? 20 : 40;
        const datagram = whole?.subarray(udp) ?? new Uint8Array(8);
        expect([0, 2, 4].map((at) => readUint16(datagram, at))).toEqual([4500, 4501, 8 + payload.length]);
        expect(datagram.subarray(8)).toEqual(payload);
        if (family === 4) expect(readUint16(datagram, 6)).toBe(0);
        else {
          const addresses = checksumAdd(HEADERS[6].source, 0, 16, checksumAdd(HEADERS[6].destination, 0, 16));
          expect(checksumFinish(checksumAdd(datagram, 0, datagram.length, addresses + datagram.length + 17))).toBe(0);
        }
      }),
    );
  });

  it('is left to others when nothing fits, or it is no datagram', () => {
    const cutter = new DatagramCutter((out) => out.fill(7));
    expect(cutter.begin(HEADERS[4], 1, 2, 0, new Uint8Array(100), 0, 100, 27)).toBe(false);
    expect(cutter.begin(HEADERS[4], 1, 2, 0, new Uint8Array(70_000), 0, 66_000, 1500)).toBe(false);
    expect(cutter.pending).toBe(false);
  });
});
