import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryPacket,
  buildPacket,
  headerLengths,
  type ReferencePacket,
  segmentsOf,
} from '../../test/support/reference-packets.js';
import { LINUX } from '../ffi/constants.js';
import { Coalescer } from './coalescer.js';
import { allocatePacketMemory } from './packet-memory.js';
import { Segmenter } from './segmenter.js';
import { VirtioHeader } from './virtio-header.js';

const memory = allocatePacketMemory(1 << 18);

interface Delivered {
  readonly header: VirtioHeader;
  readonly octets: Uint8Array;
  readonly pieces: number;
}

/** Pushes packets, one behind the other in memory, and flushes. */
function coalesce(packets: readonly Uint8Array[], limits = { tcp: true, udp: true }): Delivered[] {
  const delivered: Delivered[] = [];
  const coalescer = new Coalescer(memory, limits, ({ header, offsets, lengths, pieces, length }) => {
    const parts = Array.from({ length: pieces }, (_, i) => {
      const at = offsets[i] ?? 0;
      return [...memory.bytes.subarray(at, at + (lengths[i] ?? 0))];
    });
    const octets = Uint8Array.from(parts.flat());
    expect(octets.length).toBe(length);
    delivered.push({ header: Object.assign(new VirtioHeader(), header), octets, pieces });
  });
  let at = 64;
  for (const packet of packets) {
    memory.bytes.set(packet, at);
    coalescer.push(at, packet.length);
    at += Math.ceil(packet.length / 4) * 4 + 4;
  }
  coalescer.flush();
  return delivered;
}

/** Takes a delivery apart again. */
function packetsOf({ header, octets, pieces }: Delivered): Uint8Array[] {
  if (header.gsoType === LINUX.VIRTIO_NET_HDR_GSO_NONE) {
    expect([header.flags, pieces]).toEqual([0, 1]);
    return [octets];
  }
  const apart = allocatePacketMemory(1 << 17);
  apart.bytes.set(octets);
  const segmenter = new Segmenter(apart);
  expect(segmenter.start(header, 0, octets.length)).toBeUndefined();
  expect(segmenter.count).toBe(pieces);
  return Array.from({ length: segmenter.count }, (_, index) => {
    const length = segmenter.write(index, 1 << 16);
    return apart.bytes.slice(1 << 16, (1 << 16) + length);
  });
}

describe('coalescing', () => {
  it('is the inverse of segmentation', () => {
    const input = arbitraryPacket({ payload: 4000 }).chain((packet) =>
      fc.record({
        packet: fc.constant(packet),
        size: fc.integer({ min: Math.ceil(packet.payload.length / 64), max: 1500 }),
      }),
    );
    fc.assert(
      fc.property(input, ({ packet, size }) => {
        const [whole, ...rest] = coalesce(segmentsOf(packet, size).map((segment) => buildPacket(segment)));
        expect(rest).toEqual([]);
        const single = packet.payload.length <= size;
        expect(whole?.octets).toEqual(buildPacket(packet, !single));
        const { transport, headers } = headerLengths(packet);
        expect(whole?.header).toMatchObject(
          single
            ? { flags: 0, gsoType: 0, gsoSize: 0 }
            : { flags: 1, gsoSize: size, headerLength: headers, checksumStart: transport },
        );
        expect((whole?.header.gsoType ?? 0) & LINUX.VIRTIO_NET_HDR_GSO_ECN).toBe(
          packet.tcp && (packet.flags & 0x80) !== 0 && !single ? LINUX.VIRTIO_NET_HDR_GSO_ECN : 0,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('delivers every packet of every flow, in order and octet for octet, whatever comes', () => {
    fc.assert(
      fc.property(arbitraryTraffic(), (packets) => {
        const delivered = coalesce(packets).flatMap(packetsOf);
        expect(byFlow(delivered)).toEqual(byFlow(packets));
      }),
      { numRuns: 200 },
    );
  });

  it('delivers packets with a wrong checksum as they came, each alone', () => {
    const input = arbitraryPacket({ payload: 3000 }).chain((packet) =>
      fc.record({
        segments: fc.constant(segmentsOf(packet, 200).map((segment) => buildPacket(segment))),
        damaged: fc.nat(15),
        octet: fc.nat(1000),
        bit: fc.nat(7),
      }),
    );
    fc.assert(
      fc.property(input, ({ segments, damaged, octet, bit }) => {
        const victim = segments[damaged % segments.length];
        if (victim === undefined) throw new Error('no packet');
        // Behind the addresses: what stays recognisable as the flow's.
        const least = (victim[0] ?? 0) >>> 4 === 4 ? 20 : 40;
        const at = least + 4 + (octet % (victim.length - least - 4));
        victim[at] = (victim[at] ?? 0) ^ (1 << bit);
        const delivered = coalesce(segments);
        expect(delivered.flatMap(packetsOf)).toEqual(segments);
        const alone = delivered
          .filter(({ pieces }) => pieces === 1)
          .map(({ octets }) => Buffer.from(octets).toString('hex'));
        expect(alone).toContain(Buffer.from(victim).toString('hex'));
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['another traffic class, hence other ECN marks', { trafficClass: 3 }],
    ['another hop limit', { hopLimit: 7 }],
    ['another flow', { source: 77 }],
    ['another acknowledgment', { acknowledgment: 5 }],
    ['another window', { window: 5 }],
    ['other options', { options: Uint8Array.of(1, 1, 1, 1) }],
    ['a gap', { sequence: 4321 }],
    ['a reduced window', { flags: 0x90 }],
    ['an echo of congestion', { flags: 0x50 }],
    ['urgent data', { flags: 0x30 }],
    ['a reset', { flags: 0x14 }],
  ])('never joins across %s', (_, change) => {
    const whole = { ...PLAIN, payload: new Uint8Array(200).fill(1) };
    const [first, second] = segmentsOf(whole, 100).map((segment) => ({ ...segment }));
    const packets = [buildPacket(first ?? whole), buildPacket({ ...(second ?? whole), ...change })];
    const delivered = coalesce(packets);
    expect(delivered.map(({ pieces }) => pieces)).toEqual([1, 1]);
    expect(delivered.map(({ octets }) => octets)).toEqual(packets);
  });

  it('never joins IPv6 packets across another flow label or hop limit', () => {
    const whole = { ...PLAIN, family: 6 as const, payload: new Uint8Array(200).fill(1) };
    for (const octet of [0, 1, 3, 7]) {
      const packets = segmentsOf(whole, 100).map((segment) => buildPacket(segment));
      const second = packets[1] ?? new Uint8Array();
      second[octet] = (second[octet] ?? 0) ^ 1;
      expect(coalesce(packets).map(({ octets }) => octets)).toEqual(packets);
    }
  });

  it('never repairs the checksum of an IPv4 header', () => {
    for (const victim of [0, 1, 2]) {
      const packets = segmentsOf({ ...PLAIN, payload: new Uint8Array(300) }, 100).map((s) => buildPacket(s));
      const octets = packets[victim] ?? new Uint8Array();
      octets[11] = (octets[11] ?? 0) ^ 1;
      expect(coalesce(packets).flatMap(packetsOf)).toEqual(packets);
    }
  });

  it('never joins fragments, nor lets them overtake', () => {
    const segments = segmentsOf({ ...PLAIN, payload: new Uint8Array(300).fill(1) }, 100).map((s) => buildPacket(s));
    const fragment = segments[2] ?? new Uint8Array();
    fragment[6] = 0x20;
    const delivered = coalesce(segments);
    expect(delivered.map(({ pieces }) => pieces)).toEqual([2, 1]);
    expect(delivered[1]?.octets).toEqual(fragment);
  });

  it('joins only what the device takes', () => {
    const segments = segmentsOf({ ...PLAIN, payload: new Uint8Array(300).fill(1) }, 100).map((s) => buildPacket(s));
    expect(coalesce(segments, { tcp: false, udp: true })).toHaveLength(3);
    const datagrams = segmentsOf({ ...PLAIN, tcp: false, payload: new Uint8Array(300).fill(1) }, 100);
    expect(
      coalesce(
        datagrams.map((d) => buildPacket(d)),
        { tcp: true, udp: false },
      ),
    ).toHaveLength(3);
    expect(coalesce(datagrams.map((d) => buildPacket(d)))).toHaveLength(1);
  });

  it('joins datagrams whose identification has no meaning, because they may not be fragmented', () => {
    const datagrams = segmentsOf({ ...PLAIN, tcp: false, payload: new Uint8Array(300).fill(1) }, 100);
    const packets = (dontFragment: boolean) =>
      datagrams.map((datagram) => buildPacket({ ...datagram, identification: 0, dontFragment }));
    expect(coalesce(packets(true))).toHaveLength(1);
    expect(coalesce(packets(false))).toHaveLength(3);
  });

  it('lets nothing follow a short, pushed or last packet', () => {
    const payload = new Uint8Array(100).fill(1);
    for (const change of [{ payload: payload.subarray(50) }, { flags: 0x18 }, { flags: 0x11 }]) {
      const second = { ...PLAIN, identification: 501, sequence: 1100, payload, ...change };
      const third = { ...PLAIN, identification: 502, sequence: 1100 + second.payload.length, payload };
      const packets = [{ ...PLAIN, payload }, second, third].map((packet) => buildPacket(packet));
      const delivered = coalesce(packets);
      expect(delivered.map(({ pieces }) => pieces)).toEqual([2, 1]);
      expect(delivered.flatMap(packetsOf)).toEqual(packets);
    }
  });

  it('keeps no datagram without a checksum', () => {
    const packets = segmentsOf({ ...PLAIN, tcp: false, payload: new Uint8Array(200) }, 100).map((d) => buildPacket(d));
    for (const packet of packets) {
      // The payload makes the sum of each packet all ones, as if zero were its correct checksum.
      packet.copyWithin(28, 26, 28);
      packet.fill(0, 26, 28);
    }
    expect(coalesce(packets).map(({ octets }) => octets)).toEqual(packets);
  });

  it('ends a packet before it is larger than an IP packet can be', () => {
    const payload = Uint8Array.from({ length: 100_000 }, (_, i) => i & 255);
    for (const family of [4, 6] as const) {
      const segments = segmentsOf({ ...PLAIN, family, payload }, 1400).map((s) => buildPacket(s));
      const delivered = coalesce(segments);
      expect(delivered.flatMap(packetsOf)).toEqual(segments);
      expect(delivered).toHaveLength(2);
      for (const { octets } of delivered) expect(octets.length).toBeLessThanOrEqual(65_535 + (family === 6 ? 40 : 0));
    }
  });
});

const PLAIN: ReferencePacket = {
  family: 4,
  tcp: true,
  source: 1,
  destination: 2,
  trafficClass: 0,
  hopLimit: 64,
  dontFragment: false,
  identification: 500,
  sequence: 1000,
  acknowledgment: 2000,
  flags: 0x10,
  window: 1000,
  options: Uint8Array.of(1, 1, 1, 0),
  payload: new Uint8Array(0),
};

/** Runs of segments of few flows, interleaved, some damaged in any octet, some of other kinds. */
function arbitraryTraffic(): fc.Arbitrary<Uint8Array[]> {
  const run = fc
    .record({
      packet: arbitraryPacket({ payload: 900, flows: 3 }),
      size: fc.integer({ min: 60, max: 400 }),
    })
    .map(({ packet, size }) => segmentsOf(packet, size).map((segment) => buildPacket(segment)));
  const damage = fc.record({ packet: fc.nat(60), octet: fc.nat(2000), bit: fc.nat(7) });
  const noise = fc.uint8Array({ minLength: 1, maxLength: 80 });
  return fc
    .record({
      runs: fc.array(run, { minLength: 1, maxLength: 12 }),
      turns: fc.array(fc.nat(11), { maxLength: 60 }),
      damages: fc.array(damage, { maxLength: 4 }),
      noise: fc.array(noise, { maxLength: 2 }),
    })
    .map(({ runs, turns, damages, noise: others }) => {
      const queues = [...runs.map((packets) => [...packets]), ...others.map((octets) => [octets])];
      const packets: Uint8Array[] = [];
      for (const turn of turns) packets.push(...(queues[turn % queues.length]?.splice(0, 1) ?? []));
      packets.push(...queues.flat());
      for (const { packet, octet, bit } of damages) {
        const victim = packets[packet % packets.length];
        if (victim !== undefined) victim[octet % victim.length] = (victim[octet % victim.length] ?? 0) ^ (1 << bit);
      }
      return packets;
    });
}

/** Packets by addresses and ports; the identification of packets that may not be fragmented has no meaning. */
function byFlow(packets: readonly Uint8Array[]): Map<string, string[]> {
  const flows = new Map<string, string[]>();
  for (const packet of packets) {
    const octets = packet.slice();
    const ipv4 = (octets[0] ?? 0) >>> 4 === 4;
    if (ipv4 && octets[0] === 0x45 && octets.length >= 20 && octets[6] === 0x40 && octets[7] === 0) {
      octets.fill(0, 4, 6);
      octets.fill(0, 10, 12);
    }
    const key = Buffer.from(ipv4 ? octets.subarray(9, 24) : octets.subarray(6, 44)).toString('hex');
    flows.set(key, [...(flows.get(key) ?? []), Buffer.from(octets).toString('hex')]);
  }
  return flows;
}
