import { describe, expect, it } from 'vitest';
import { describedPacket } from '../status/described-packet.js';
import { isProtected, matches, parsePacketFilter } from './packet-filter.js';
import { pcapngHeader, pcapngPacket } from './pcapng.js';

const web = describedPacket(['10.1.0.7:5000', '10.2.0.9', 'tcp', '443']);
const web6 = describedPacket(['[2001:db8::1]:5000', '2001:db8::2', 'tcp', '443']);

describe('the filter of a capture', () => {
  it.each([
    [{}, true, true],
    [{ host: '10.1.0.7' }, true, false],
    [{ host: '10.2.0.9', protocol: 'tcp', port: '5000' }, true, false],
    [{ host: '2001:db8::2', port: '443' }, false, true],
    [{ host: '10.2.0.8' }, false, false],
    [{ protocol: 'udp' }, false, false],
    [{ protocol: '6' }, true, true],
    [{ port: '80' }, false, false],
  ])('%j', (written, ipv4, ipv6) => {
    const filter = parsePacketFilter(written);
    expect([matches(filter, web), matches(filter, web6)]).toEqual([ipv4, ipv6]);
  });

  it('takes no ports from a later fragment, and nothing from what is cut short or is no packet', () => {
    const later = Uint8Array.from(web);
    later[7] = 1;
    expect(matches(parsePacketFilter({ port: '443' }), later)).toBe(false);
    for (let length = 0; length < 20; length++) expect(matches({}, web.subarray(0, length))).toBe(false);
    expect(matches({}, new Uint8Array(60))).toBe(false);
    expect(matches({}, new Uint8Array(60).fill(0x41))).toBe(false);
  });

  it('knows what tunnels look like from outside', () => {
    for (const words of [
      ['192.0.2.1', '192.0.2.2', '50'],
      ['192.0.2.1', '192.0.2.2', '51'],
      ['192.0.2.1:4500', '192.0.2.2', 'udp', '1024'],
      ['192.0.2.1:1024', '192.0.2.2', 'udp', '500'],
    ]) {
      expect(isProtected(describedPacket(words))).toBe(true);
    }
    expect([web, describedPacket(['192.0.2.1', '192.0.2.2', 'udp', '53'])].map(isProtected)).toEqual([false, false]);
  });

  it.each([[{ host: 'paris' }], [{ protocol: '256' }], [{ port: 'http' }]])('%j is refused', (written) => {
    expect(() => parsePacketFilter(written)).toThrow();
  });
});

describe('a pcapng file', () => {
  it('is made of blocks whose lengths stand at both ends, padded to 32 bits', () => {
    const file = Buffer.concat([
      pcapngHeader('weft0', 100),
      pcapngPacket(web.subarray(0, 41), web.length, 0x1_0000_0002n),
    ]);
    const blocks: [type: number, body: Buffer][] = [];
    for (let at = 0; at < file.length; ) {
      const length = file.readUInt32LE(at + 4);
      expect(length % 4).toBe(0);
      expect(file.readUInt32LE(at + length - 4)).toBe(length);
      blocks.push([file.readUInt32LE(at), file.subarray(at + 8, at + length - 4)]);
      at += length;
    }
    expect(blocks.map(([type]) => type)).toEqual([0x0a0d0d0a, 1, 6]);
    const packet = blocks[2]?.[1] ?? Buffer.alloc(0);
    expect([4, 8, 12, 16].map((at) => packet.readUInt32LE(at))).toEqual([1, 2, 41, web.length]);
    expect(packet.subarray(20, 61)).toEqual(Buffer.from(web.subarray(0, 41)));
    expect(packet).toHaveLength(64);
  });
});
