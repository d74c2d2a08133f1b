import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, ipPacket, udp } from '../../test/support/packets.js';
import { reassemble } from '../../test/support/reassemble.js';
import { checksumAdd, checksumFinish } from '../wire/ip/checksum.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { Fragmenter } from './fragmenter.js';

function cut(packet: Uint8Array, limit: number, identification?: number): Uint8Array[] | undefined {
  const fragmenter = new Fragmenter((out) => out.fill(9));
  fragmenter.memory.set(packet);
  if (!fragmenter.begin(packet.length, limit, identification)) {
    expect([fragmenter.pending, fragmenter.waiting]).toEqual([false, 0]);
    return undefined;
  }
  const pieces: Uint8Array[] = [];
  let { waiting } = fragmenter;
  while (fragmenter.pending) {
    const out = new Uint8Array(limit + 20).fill(0xee);
    expect(fragmenter.write(new Uint8Array(20), 0)).toBe(-1);
    const length = fragmenter.write(out, 11);
    expect(out.subarray(11 + length).every((octet) => octet === 0xee)).toBe(true);
    pieces.push(out.slice(11, 11 + length));
    expect(fragmenter.waiting).toBe(--waiting);
  }
  expect([waiting, fragmenter.write(new Uint8Array(9000), 0)]).toEqual([0, 0]);
  return pieces;
}

const options = fc.constantFrom(
  [],
  [1, 1, 1, 0],
  [148, 4, 0, 0],
  [7, 7, 4, 0, 0, 0, 0, 130, 4, 1, 2, 0],
  [130, 0, 0, 0],
);
const v4 = fc.tuple(options, fc.integer({ min: 8, max: 3000 }), fc.boolean()).map(([more, size, df]) => {
  const bare = ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', payload: udp(1, 2, size) });
  const packet = Uint8Array.from([...bare.subarray(0, 20), ...more, ...bare.subarray(20)]);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45 + more.length / 4;
  view.setUint16(2, packet.length);
  view.setUint16(4, 777);
  view.setUint16(6, df ? 0x4000 : 0);
  view.setUint16(10, 0);
  view.setUint16(10, checksumFinish(checksumAdd(packet, 0, 20 + more.length)));
  return packet;
});
const v6 = fc.tuple(fc.boolean(), fc.integer({ min: 8, max: 3000 })).map(([extended, size]) =>
  ipPacket({
    source: '2001:db8::1',
    destination: '2001:db8::2',
    ...(extended
      ? {
          protocol: 0,
          payload: Uint8Array.from([60, 0, 5, 2, 0, 0, 1, 0, 17, 0, 1, 4, 0, 0, 0, 0, ...udp(1, 2, size)]),
        }
      : { payload: udp(1, 2, size) }),
  }),
);

describe('fragmentation (RFC 791 section 3.2, RFC 8200 section 4.5)', () => {
  it('makes pieces of at most the limit, well-formed, that a receiver puts together to the same packet', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6), fc.integer({ min: 68, max: 1500 }), (packet, limit) => {
        const pieces = cut(packet, limit, 0xabcd1234);
        if (pieces === undefined) {
          expect(limit).toBeLessThan(72);
          return;
        }
        const flow = new Flow();
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(limit);
          // A first piece may be too short to show ports; then it says so.
          if (piece.length > 92) expect(parseFlow(flow, piece, 0, piece.length)).toBe(true);
          if ((piece[0] ?? 0) >>> 4 === 4) {
            expect(checksumFinish(checksumAdd(piece, 0, ((piece[0] ?? 0) & 15) * 4))).toBe(0);
          }
        }
        // Pieces but the last are as long as they can be.
        for (const piece of pieces.slice(0, -1)) expect(piece.length).toBeGreaterThan(limit - 8 - 40);
        expect(reassemble(pieces)).toEqual(packet);
      }),
      { numRuns: 500 },
    );
  });

  it('cuts an IPv4 fragment into fragments of the same packet', () => {
    fc.assert(
      fc.property(v4, fc.integer({ min: 10, max: 60 }), fc.integer({ min: 68, max: 300 }), (packet, units, limit) => {
        fc.pre((packet[0] ?? 0) === 0x45);
        const original = fragmentsOf(packet, 4711, ...new Array<number>(500).fill(units * 8));
        const pieces = original.flatMap((piece) => (piece.length > limit ? (cut(piece, limit) ?? []) : [piece]));
        const whole = packet.slice();
        new DataView(whole.buffer).setUint16(4, 4711);
        new DataView(whole.buffer).setUint16(10, 0);
        new DataView(whole.buffer).setUint16(10, checksumFinish(checksumAdd(whole, 0, 20)));
        expect(reassemble(pieces)).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('copies only the options that fragments carry (RFC 791 section 3.1)', () => {
    const [packet] = fc.sample(
      v4.filter((p) => p[0] === 0x48 && p.length > 400),
      { numRuns: 1, seed: 1 },
    );
    const [first, second] = cut(packet ?? new Uint8Array(), 200) ?? [];
    expect([...(first ?? []).slice(20, 32)]).toEqual([7, 7, 4, 0, 0, 0, 0, 130, 4, 1, 2, 0]);
    expect(second?.[0]).toBe(0x46);
    expect([...(second ?? []).slice(20, 24)]).toEqual([130, 4, 1, 2]);
  });

  it('gives packets different identifications that start where nobody knows', () => {
    const packet = ipPacket({ source: '::1', destination: '::2', payload: udp(1, 2, 200) });
    const fragmenter = new Fragmenter((out) => out.set([0xff, 0xff, 0xff, 0xfe]));
    const seen = [1, 2, 3].map(() => {
      fragmenter.memory.set(packet);
      fragmenter.begin(packet.length, 100);
      const out = new Uint8Array(100);
      fragmenter.write(out, 0);
      expect(fragmenter.abandon()).toBeGreaterThan(0);
      return [...out.slice(44, 48)];
    });
    expect(seen).toEqual([
      [255, 255, 255, 255],
      [0, 0, 0, 0],
      [0, 0, 0, 1],
    ]);
  });
});
