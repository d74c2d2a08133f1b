import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipPacket } from '../../test/support/packets.js';
import { checksumAdd, checksumFinish } from '../wire/ip/checksum.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { clampMaximumSegmentSize, maximumSegmentSize } from './mss-clamp.js';

/** A TCP packet with these flags and octets of options, padded as TCP pads them. */
function tcpPacket(six: boolean, flags: number, options: readonly number[]): Uint8Array {
  const padded = [...options, ...new Array<number>((4 - (options.length % 4)) % 4).fill(0)];
  const header = Uint8Array.from([0, 7, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0, flags, 9, 9, 0, 0, 0, 0, ...padded, 42]);
  header[12] = ((20 + padded.length) / 4) << 4;
  const packet = ipPacket({
    source: six ? '2001:db8::1' : '10.0.0.1',
    destination: six ? '2001:db8::2' : '10.0.0.2',
    protocol: 6,
    payload: header,
  });
  const at = six ? 40 : 20;
  packet.set(sum16(packet), at + 16);
  return packet;
}

const tcpAt = (packet: Uint8Array) => ((packet[0] ?? 0) >>> 4 === 6 ? 40 : 20);
/** The checksum over what stands there, checksum field included: 0 when it is right. */
function residue(packet: Uint8Array): number {
  const at = tcpAt(packet);
  const length = packet.length - at;
  const addresses = at === 40 ? [8, 32] : [12, 8];
  return checksumFinish(
    checksumAdd(packet, at, length, 6 + length + checksumAdd(packet, addresses[0] ?? 0, addresses[1] ?? 0)),
  );
}
const sum16 = (packet: Uint8Array) => [residue(packet) >>> 8, residue(packet) & 255];

/** Slow and obvious: every whole MSS option in front of the first malformed one is at most `limit`. */
function oracle(packet: Uint8Array, limit: number): Uint8Array {
  const result = packet.slice();
  const start = tcpAt(packet);
  const end = start + ((packet[start + 12] ?? 0) >>> 4) * 4;
  if (((packet[start + 13] ?? 0) & 2) === 0 || end < start + 20 || end > packet.length) return result;
  let rest = [...packet.subarray(start + 20, end)];
  let at = start + 20;
  while (rest.length > 0 && rest[0] !== 0) {
    const length = rest[0] === 1 ? 1 : (rest[1] ?? 0);
    if (length === 0 || (rest[0] !== 1 && length < 2) || length > rest.length) break;
    if (rest[0] === 2 && length !== 4) break;
    if (rest[0] === 2) {
      const value = Math.min((rest[2] ?? 0) * 256 + (rest[3] ?? 0), limit);
      result.set([value >>> 8, value & 255], at + 2);
    }
    rest = rest.slice(length);
    at += length;
  }
  return result;
}

const withoutChecksum = (packet: Uint8Array) => {
  const copy = packet.slice();
  copy.fill(0, tcpAt(packet) + 16, tcpAt(packet) + 18);
  return copy;
};

describe('MSS clamping', () => {
  const mss = fc.nat({ max: 0xffff }).map((value) => [2, 4, value >>> 8, value & 255]);
  const option = fc.oneof(
    { weight: 4, arbitrary: mss },
    fc.constantFrom(
      [1],
      [1, 1],
      [3, 3, 7],
      [4, 2],
      [8, 10, 1, 2, 3, 4, 5, 6, 7, 8],
      [0],
      [2, 3, 9],
      [2, 0],
      [5],
      [77, 255],
    ),
  );
  const packets = fc
    .tuple(fc.boolean(), fc.constantFrom(0x02, 0x12, 0x10, 0xc2, 0x18), fc.array(option, { maxLength: 4 }))
    .map(([six, flags, options]) => tcpPacket(six, flags, options.flat().slice(0, 40)));

  it('lowers what SYN and SYN-ACK announce, touches nothing else, and keeps the checksum right or wrong', () => {
    const flow = new Flow();
    let clamped = 0;
    fc.assert(
      fc.property(packets, fc.integer({ min: 70, max: 1500 }), fc.nat({ max: 0xffff }), (packet, length, error) => {
        const tcp = tcpAt(packet);
        const wrong = packet.slice();
        wrong[tcp + 16] = (wrong[tcp + 16] ?? 0) ^ (error >>> 8);
        wrong[tcp + 17] = (wrong[tcp + 17] ?? 0) ^ (error & 255);
        const limit = maximumSegmentSize(tcp === 40 ? 6 : 4, length);
        for (const sent of [packet, wrong]) {
          const arena = new Uint8Array(sent.length + 30).fill(7);
          arena.set(sent, 11);
          expect(parseFlow(flow, arena, 11, sent.length)).toBe(true);
          const changed = clampMaximumSegmentSize(arena, 11, flow, length);
          const got = arena.slice(11, 11 + sent.length);
          const expected = limit > 0 ? oracle(sent, limit) : sent;
          expect(withoutChecksum(got)).toEqual(withoutChecksum(expected));
          expect(changed).toBe(!withoutChecksum(expected).every((octet, i) => octet === withoutChecksum(sent)[i]));
          expect(residue(got) % 0xffff).toBe(residue(sent) % 0xffff);
          expect([...arena.subarray(0, 11), ...arena.subarray(11 + sent.length)].every((octet) => octet === 7)).toBe(
            true,
          );
          if (changed) clamped++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(clamped).toBeGreaterThan(500);
  });

  it('stays inside headers that lie about their length', () => {
    const flow = new Flow();
    const lying = fc.tuple(packets, fc.nat({ max: 15 }), fc.nat({ max: 80 })).map(([packet, words, cut]) => {
      packet[tcpAt(packet) + 12] = words << 4;
      const short = packet.slice(0, Math.max(tcpAt(packet) + 4, packet.length - cut));
      if (tcpAt(packet) === 20) short[3] = short.length;
      else short[5] = short.length - 40;
      return short;
    });
    fc.assert(
      fc.property(lying, (packet) => {
        expect(parseFlow(flow, packet, 0, packet.length)).toBe(true);
        const arena = new Uint8Array(packet.length + 64).fill(2);
        arena.set(packet);
        clampMaximumSegmentSize(arena, 0, flow, 100);
        expect(arena.subarray(packet.length).every((octet) => octet === 2)).toBe(true);
        expect(withoutChecksum(arena.slice(0, packet.length))).toEqual(
          withoutChecksum(oracle(packet, 100 - tcpAt(packet) - 20)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves later fragments and other protocols alone', () => {
    const flow = new Flow();
    const syn = tcpPacket(false, 2, [2, 4, 5, 180]);
    for (const change of [(p: Uint8Array) => (p[9] = 17), (p: Uint8Array) => (p[7] = 9)]) {
      const packet = syn.slice();
      change(packet);
      expect(parseFlow(flow, packet, 0, packet.length)).toBe(true);
      expect(clampMaximumSegmentSize(packet, 0, flow, 100)).toBe(false);
    }
    expect(parseFlow(flow, syn, 0, syn.length)).toBe(true);
    expect(clampMaximumSegmentSize(syn, 0, flow, 1200)).toBe(true);
    expect([syn[42], syn[43]]).toEqual([1160 >>> 8, 1160 & 255]);
  });
});
