import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PcapStream } from './pcap-stream.js';

/** The oracle: writes the format the slow and obvious way. */
function pcapFile(packets: readonly Uint8Array[], magic: number, littleEndian: boolean, linkType: number): Buffer {
  const parts: Buffer[] = [];
  const uint32 = (...values: number[]) => {
    for (const value of values) {
      const word = Buffer.alloc(4);
      if (littleEndian) word.writeUInt32LE(value);
      else word.writeUInt32BE(value);
      parts.push(word);
    }
  };
  uint32(magic, littleEndian ? 0x00040002 : 0x00020004, 0, 0, 262_144, linkType);
  for (const packet of packets) {
    uint32(1, 2, packet.length, packet.length + 7);
    parts.push(Buffer.from(packet));
  }
  return Buffer.concat(parts);
}

describe('PcapStream', () => {
  it('gives back every packet however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        fc.constantFrom(0xa1b2c3d4, 0xa1b23c4d),
        fc.boolean(),
        fc.constantFrom(1, 113, 276),
        (packets, cuts, magic, littleEndian, linkType) => {
          const file = pcapFile(packets, magic, littleEndian, linkType);
          const stream = new PcapStream();
          const seen: Buffer[] = [];
          const linkTypes = new Set<number>();
          for (let offset = 0, turn = 0; offset < file.length; turn += 1) {
            const length = cuts[turn % cuts.length]!;
            stream.push(file.subarray(offset, offset + length), (packet, type) => {
              seen.push(Buffer.from(packet));
              linkTypes.add(type);
            });
            offset += length;
          }
          expect(seen.map((each) => each.toString('hex'))).toEqual(
            packets.map((each) => Buffer.from(each).toString('hex')),
          );
          expect([...linkTypes]).toEqual(packets.length > 0 ? [linkType] : []);
        },
      ),
    );
  });

  it('grows for packets larger than its first buffer', () => {
    const packets = [Buffer.alloc(262_144, 1), Buffer.alloc(262_144, 2), Buffer.alloc(262_144, 3)];
    const seen: number[] = [];
    new PcapStream().push(pcapFile(packets, 0xa1b2c3d4, true, 1), (packet) => seen.push(packet[0]!, packet.length));
    expect(seen).toEqual([1, 262_144, 2, 262_144, 3, 262_144]);
  });

  it('refuses what is not pcap', () => {
    expect(() => new PcapStream().push(Buffer.alloc(24, 0x41), () => undefined)).toThrow(/Not a pcap stream/);
  });

  it('refuses a record longer than any that tcpdump writes', () => {
    const file = pcapFile([], 0xa1b2c3d4, true, 1);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(262_145, 8);
    expect(() => new PcapStream().push(Buffer.concat([file, record]), () => undefined)).toThrow(/262145 octets/);
  });
});
