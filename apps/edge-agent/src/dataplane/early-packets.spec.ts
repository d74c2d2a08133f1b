import { describe, expect, it } from 'vitest';
import { EarlyPackets } from './early-packets.js';
import { IoCounters } from './io-counters.js';

const packet = (spi: number, number: number, length = 100): Uint8Array => {
  const octets = new Uint8Array(length);
  new DataView(octets.buffer).setUint32(0, spi);
  octets[4] = number;
  return octets;
};

/** With options behind the IPv4 header, and the SPI where ESP and AH have it. */
function ipPacket(family: 4 | 6, protocol: 50 | 51, spi = 0x80001002): Uint8Array {
  const octets = new Uint8Array(60);
  octets[0] = family === 4 ? 0x46 : 0x60;
  octets[family === 4 ? 9 : 6] = protocol;
  new DataView(octets.buffer).setUint32((family === 4 ? 24 : 40) + (protocol === 51 ? 4 : 0), spi);
  return octets;
}

function fixture() {
  const counters = new IoCounters();
  const early = new EarlyPackets(counters);
  const hold = (octets: Uint8Array) => early.hold(Uint8Array.of(9, ...octets), 1, octets.length, 2);
  const release = (spi: number) => {
    const numbers: (number | undefined)[] = [];
    early.release(spi, (memory, offset, length, ecn) => {
      expect([memory[offset + 3], length, ecn]).toEqual([spi & 0xff, 100, 2]);
      numbers.push(memory[offset + 4]);
    });
    return numbers;
  };
  return { counters, early, hold, release };
}

describe('Packets that overtake the answer which makes their Child SA', () => {
  it('wait for it, each association its own in their order, and are handed over once', () => {
    const { early, hold, release, counters } = fixture();
    early.expect(0x1001, 0);
    early.expect(0x80001002, 0);
    const spis = [0x1001, 0x80001002, 0x1001, 0x80001002, 0x80001002];
    expect(spis.map((spi, number) => hold(packet(spi, number)))).toEqual(spis.map(() => true));
    expect(release(0x1001)).toEqual([0, 2]);
    expect(release(0x80001002)).toEqual([1, 3, 4]);
    expect([release(0x1001), early.expecting, counters.drops()]).toEqual([[], false, []]);
  });

  it('wait as whole IP packets, too, where they come without UDP', () => {
    const { early, hold, counters } = fixture();
    early.expect(0x80001002, 0);
    const packets = [ipPacket(4, 50), ipPacket(6, 50), ipPacket(4, 51), ipPacket(6, 51)];
    const held = packets.map((octets) => early.holdPacket(Uint8Array.of(9, ...octets), 1, octets.length));
    expect(held).toEqual([true, true, true, true]);
    expect(hold(packet(0x80001002, 0))).toBe(true);
    expect(early.holdPacket(ipPacket(4, 50, 0x1001), 0, 60)).toBe(false);
    for (const octets of packets) expect(early.holdPacket(octets, 0, 19)).toBe(false);
    const released: unknown[] = [];
    early.release(0x80001002, (memory, offset, length, _ecn, whole) => {
      released.push([whole, [...memory.subarray(offset, offset + length)]]);
    });
    expect(released).toEqual([...packets.map((octets) => [true, [...octets]]), [false, [...packet(0x80001002, 0)]]]);
    expect(counters.drops()).toEqual([]);
  });

  it('of other SPIs, or too short to have one, are not kept', () => {
    const { early, hold } = fixture();
    expect(hold(packet(0x1001, 0))).toBe(false);
    early.expect(0x1001, 0);
    expect([hold(packet(0x1002, 0)), hold(new Uint8Array(3))]).toEqual([false, false]);
  });

  it('beyond the memory, or too large, are lost and counted', () => {
    const { early, hold, release, counters } = fixture();
    early.expect(0x1001, 0);
    for (let number = 0; number < 300; number++) expect(hold(packet(0x1001, number & 0xff))).toBe(true);
    expect(hold(packet(0x1001, 0, 3000))).toBe(true);
    expect(counters.drops()).toEqual([{ reason: 'early_overflow', packets: 45n }]);
    expect(release(0x1001)).toHaveLength(256);
  });

  it('of an association that does not come are lost after a while, and counted', () => {
    const { early, hold, counters, release } = fixture();
    early.expect(0x1001, 0);
    early.expect(0x1002, 5000);
    for (const spi of [0x1001, 0x1002]) hold(packet(spi, 7));
    early.expire(9999);
    expect(counters.drops()).toEqual([]);
    early.expire(10_000);
    expect(counters.drops()).toEqual([{ reason: 'early_expired', packets: 1n }]);
    expect(hold(packet(0x1001, 8))).toBe(false);
    expect(release(0x1002)).toEqual([7]);
  });
});
