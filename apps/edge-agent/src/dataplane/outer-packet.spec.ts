import { describe, expect, it } from 'vitest';
import { sourceOfPacket, spiAt, spiOfPacket } from './outer-packet.js';

const V4 = [192, 0, 2, 7];
const V6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const SPI = [0xfe, 0xdc, 0xba, 0x98];
const ipv4 = (protocol: number, options: number, content: readonly number[]) => [
  ...[0x45 + options / 4, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, ...V4, 127, 0, 0, 1],
  ...new Array<number>(options).fill(1),
  ...content,
];
const ipv6 = (protocol: number, content: readonly number[]) => [
  ...[0x60, 0, 0, 0, 0, 0, protocol, 64, ...V6, ...V6.toReversed()],
  ...content,
];

describe('An IP packet that carries ESP or AH', () => {
  it.each([
    ['ESP over IPv4', ipv4(50, 0, SPI), V4],
    ['ESP over IPv4 with options', ipv4(50, 8, SPI), V4],
    ['AH over IPv4', ipv4(51, 0, [4, 4, 0, 0, ...SPI]), V4],
    ['ESP over IPv6', ipv6(50, SPI), V6],
    ['AH over IPv6', ipv6(51, [4, 4, 0, 0, ...SPI]), V6],
  ])('has its SPI and its sender where they belong: %s', (_, octets, address) => {
    const packet = Uint8Array.of(9, 9, 9, ...octets);
    expect(spiOfPacket(packet, 3, octets.length)).toBe(0xfedcba98);
    expect(sourceOfPacket(packet, 3)).toEqual({ address: Uint8Array.from(address), port: 500 });
    expect(spiOfPacket(packet, 3, octets.length - 1)).toBeUndefined();
  });

  it('may be too short for any header, or for an SPI', () => {
    expect(spiOfPacket(Uint8Array.from(ipv4(50, 0, SPI)), 0, 19)).toBeUndefined();
    expect(spiAt(Uint8Array.from(SPI), 0, 3)).toBeUndefined();
    expect(spiAt(Uint8Array.from(SPI), 0, 4)).toBe(0xfedcba98);
  });
});
