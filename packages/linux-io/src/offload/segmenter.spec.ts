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
import { allocatePacketMemory } from './packet-memory.js';
import { completeChecksum, Segmenter } from './segmenter.js';
import { VirtioHeader } from './virtio-header.js';

const memory = allocatePacketMemory(1 << 18);
const segmenter = new Segmenter(memory);
const IN = 16;
const OUT = 1 << 17;

function superHeader(packet: ReferencePacket, gsoSize: number): VirtioHeader {
  const { transport, headers } = headerLengths(packet);
  const header = new VirtioHeader();
  header.flags = LINUX.VIRTIO_NET_HDR_F_NEEDS_CSUM;
  const family = packet.family === 4 ? LINUX.VIRTIO_NET_HDR_GSO_TCPV4 : LINUX.VIRTIO_NET_HDR_GSO_TCPV6;
  header.gsoType = packet.tcp ? family : LINUX.VIRTIO_NET_HDR_GSO_UDP_L4;
  if (packet.tcp && (packet.flags & 0x80) !== 0) header.gsoType |= LINUX.VIRTIO_NET_HDR_GSO_ECN;
  header.headerLength = headers;
  header.gsoSize = gsoSize;
  header.checksumStart = transport;
  header.checksumOffset = packet.tcp ? 16 : 6;
  return header;
}

function segments(): Uint8Array[] {
  return Array.from({ length: segmenter.count }, (_, index) => {
    const length = segmenter.write(index, OUT);
    return memory.bytes.slice(OUT, OUT + length);
  });
}

describe('segmentation', () => {
  it('gives the packets that the super-packet stands for', () => {
    fc.assert(
      fc.property(arbitraryPacket({ payload: 4000 }), fc.integer({ min: 1, max: 1500 }), (packet, wanted) => {
        const gsoSize = Math.max(wanted, Math.ceil(packet.payload.length / 64));
        const whole = buildPacket(packet, true);
        memory.bytes.set(whole, IN);
        expect(segmenter.start(superHeader(packet, gsoSize), IN, whole.length)).toBeUndefined();
        expect(segments()).toEqual(segmentsOf(packet, gsoSize).map((segment) => buildPacket(segment)));
      }),
      { numRuns: 100 },
    );
  });

  it('takes the largest packets', () => {
    for (const family of [4, 6] as const) {
      const [packet] = fc.sample(arbitraryPacket({ payload: 10 }), { seed: family, numRuns: 1 });
      if (packet === undefined) throw new Error('no sample');
      const base = { ...packet, family, tcp: true, options: new Uint8Array(12) };
      const payload = Uint8Array.from({ length: 65_535 - headerLengths(base).headers }, (_, i) => (i * 7) & 255);
      const whole = { ...base, payload };
      const octets = buildPacket(whole, true);
      memory.bytes.set(octets, IN);
      expect(segmenter.start(superHeader(whole, 1380), IN, octets.length)).toBeUndefined();
      expect(segments()).toEqual(segmentsOf(whole, 1380).map((segment) => buildPacket(segment)));
    }
  });

  it('keeps IPv6 extension headers in every segment', () => {
    const [packet] = fc.sample(arbitraryPacket({ payload: 300 }), { seed: 1, numRuns: 1 });
    if (packet === undefined) throw new Error('no sample');
    const udp: ReferencePacket = { ...packet, family: 6, tcp: false, payload: new Uint8Array(300).fill(7) };
    const plain = buildPacket(udp, true);
    // Destination options with eight octets of padding (RFC 8200 section 4.6) between the two headers.
    const whole = Uint8Array.from([...plain.subarray(0, 40), 17, 0, 1, 4, 0, 0, 0, 0, ...plain.subarray(40)]);
    whole[6] = 60;
    whole[4] = (whole.length - 40) >>> 8;
    whole[5] = (whole.length - 40) & 255;
    memory.bytes.set(whole, IN);
    const header = superHeader(udp, 100);
    header.checksumStart = 48;
    expect(segmenter.start(header, IN, whole.length)).toBeUndefined();
    const expected = segmentsOf(udp, 100).map((segment) => {
      const octets = buildPacket(segment);
      const extended = Uint8Array.from([...octets.subarray(0, 40), 17, 0, 1, 4, 0, 0, 0, 0, ...octets.subarray(40)]);
      extended[6] = 60;
      extended[5] = extended.length - 40;
      return extended;
    });
    expect(segments()).toEqual(expected);
  });

  it('refuses a super-packet of headers alone: it would vanish', () => {
    const [packet] = fc.sample(arbitraryPacket({ payload: 1 }), { seed: 2, numRuns: 1 });
    if (packet === undefined) throw new Error('no sample');
    const octets = buildPacket({ ...packet, payload: new Uint8Array(0) }, true);
    memory.bytes.set(octets, IN);
    expect(segmenter.start(superHeader(packet, 100), IN, octets.length)).toBe('malformed_offload');
  });

  it('sends a UDP checksum of zero as all ones', () => {
    const [sample] = fc.sample(arbitraryPacket({ payload: 1 }), { seed: 3, numRuns: 1 });
    if (sample === undefined) throw new Error('no sample');
    const base: ReferencePacket = { ...sample, family: 4, tcp: false, payload: new Uint8Array(4) };
    // With this payload the sum of the first segment is all ones, and its complement zero.
    const first = buildPacket({ ...base, payload: new Uint8Array(2) });
    const payload = Uint8Array.of(first[26] ?? 0, first[27] ?? 0, 0, 0);
    const whole = { ...base, payload };
    const octets = buildPacket(whole, true);
    memory.bytes.set(octets, IN);
    expect(segmenter.start(superHeader(whole, 2), IN, octets.length)).toBeUndefined();
    const [segment] = segments();
    expect(segment?.subarray(26, 28)).toEqual(Uint8Array.of(0xff, 0xff));
  });

  it('completes a checksum that the kernel left open, and touches no other packet', () => {
    fc.assert(
      fc.property(arbitraryPacket({ payload: 1400 }), (packet) => {
        const octets = buildPacket(packet, true);
        memory.bytes.set(octets, IN);
        const header = superHeader(packet, 0);
        header.gsoType = LINUX.VIRTIO_NET_HDR_GSO_NONE;
        expect(completeChecksum(memory, header, IN, octets.length)).toBeUndefined();
        const completed = memory.bytes.slice(IN, IN + octets.length);
        expect(withoutZeroChecksum(completed, packet)).toEqual(withoutZeroChecksum(buildPacket(packet), packet));
        header.clear();
        expect(completeChecksum(memory, header, IN, octets.length)).toBeUndefined();
        expect(memory.bytes.slice(IN, IN + octets.length)).toEqual(completed);
      }),
    );
  });

  it('refuses offloads that it does not know or that contradict the packet, and never reads or writes beyond it', () => {
    const fields = fc.record({
      flags: fc.nat(3),
      gsoType: fc.constantFrom(0, 1, 3, 4, 5, 6, 0x80, 0x81, 0x84, 0x85),
      gsoSize: fc.oneof(fc.nat(3), fc.nat(0xffff)),
      checksumStart: fc.oneof(fc.constantFrom(20, 40), fc.nat(0xffff)),
      checksumOffset: fc.oneof(fc.constantFrom(6, 16), fc.nat(0xffff)),
    });
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      arbitraryPacket({ payload: 60 }).map((packet) => buildPacket(packet, true)),
    );
    fc.assert(
      fc.property(fields, octets, (given, packet) => {
        memory.bytes.fill(0xee);
        memory.bytes.set(packet, IN);
        const header = Object.assign(new VirtioHeader(), given);
        if (segmenter.start(header, IN, packet.length) === undefined) {
          for (let index = 0; index < segmenter.count; index++) {
            expect(segmenter.write(index, OUT)).toBeLessThanOrEqual(packet.length);
          }
        }
        expect(memory.bytes.slice(IN, IN + packet.length)).toEqual(packet);
        completeChecksum(memory, header, IN, packet.length);
        expect(memory.bytes.subarray(0, IN).every((octet) => octet === 0xee)).toBe(true);
        expect(memory.bytes.subarray(IN + packet.length, OUT).every((octet) => octet === 0xee)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

/** For TCP 0 and 0xffff are the same value in ones' complement, and both are correct. */
function withoutZeroChecksum(octets: Uint8Array, packet: ReferencePacket): Uint8Array {
  const field = headerLengths(packet).transport + 16;
  if (packet.tcp && octets[field] === 0xff && octets[field + 1] === 0xff) octets.fill(0, field, field + 2);
  return octets;
}
