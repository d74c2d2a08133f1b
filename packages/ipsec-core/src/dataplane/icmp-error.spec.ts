import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, ipPacket, udp } from '../../test/support/packets.js';
import { formatAddress, parseAddress } from '../wire/ip/address.js';
import { checksumAdd, checksumFinish } from '../wire/ip/checksum.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { icmpv6Checksum } from '../wire/ip/icmpv6.js';
import { type IcmpErrorOptions, IcmpErrors } from './icmp-error.js';

/** The message about a packet, as the caller takes it. */
function message(packet: Uint8Array, mtu: number, options: IcmpErrorOptions = {}, now = 0): Uint8Array | undefined {
  const errors = new IcmpErrors(options);
  const flow = new Flow();
  const arena = new Uint8Array(packet.length + 9);
  arena.set(packet, 5);
  expect(parseFlow(flow, arena, 5, packet.length)).toBe(true);
  const length = errors.tooLarge(arena, 5, flow, mtu, now);
  if (length === 0) {
    expect(errors.counters()).toMatchObject({ offered: 0n, unanswerable: 1n });
    return undefined;
  }
  expect(errors.take(new Uint8Array(length - 1), 0)).toBe(-1);
  const out = new Uint8Array(1300);
  expect(errors.take(out, 3)).toBe(length);
  expect(errors.take(out, 3)).toBe(0);
  expect(errors.counters()).toEqual({ offered: 1n, rateLimited: 0n, unanswerable: 0n, notTaken: 0n });
  return out.slice(3, 3 + length);
}

const v4 = (size = 100, more: object = {}) =>
  ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', fragment: 0x4000, payload: udp(1, 2, size), ...more });
const v6 = (size = 100, more: object = {}) =>
  ipPacket({ source: '2001:db8:1::1', destination: '2001:db8:2::2', payload: udp(1, 2, size), ...more });

describe('synthesized ICMP errors', () => {
  it('are "fragmentation needed" of at most 576 octets for IPv4 (RFC 1191 section 4, RFC 1812 section 4.3.2.3)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 2000 }), fc.nat({ max: 1500 }), (size, mtu) => {
        const packet = v4(size);
        const sent = message(packet, mtu) ?? new Uint8Array();
        const view = new DataView(sent.buffer);
        expect(checksumFinish(checksumAdd(sent, 0, 20))).toBe(0);
        expect(checksumFinish(checksumAdd(sent, 20, sent.length - 20))).toBe(0);
        expect([...sent.slice(20, 22), view.getUint16(24), view.getUint16(26)]).toEqual([3, 4, 0, Math.max(mtu, 68)]);
        expect([sent.length, view.getUint16(2)]).toEqual([Math.min(576, packet.length + 28), sent.length]);
        expect(sent.slice(28)).toEqual(packet.slice(0, sent.length - 28));
        expect([sent[9], formatAddress(sent.slice(12, 16)), formatAddress(sent.slice(16, 20))]).toEqual([
          1,
          '10.2.0.2',
          '10.1.0.1',
        ]);
      }),
      { numRuns: 100 },
    );
  });

  it('are "packet too big" of at most 1280 octets for IPv6, and never ask for less than 1280 (RFC 4443 section 3.2)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 2000 }), fc.nat({ max: 1500 }), (size, mtu) => {
        const packet = v6(size);
        const sent = message(packet, mtu) ?? new Uint8Array();
        const view = new DataView(sent.buffer);
        expect(icmpv6Checksum(sent, 0, 40, sent.length - 40)).toBe(0);
        expect([...sent.slice(40, 42), view.getUint32(44)]).toEqual([2, 0, Math.max(mtu, 1280)]);
        expect([sent.length, view.getUint16(4)]).toEqual([Math.min(1280, packet.length + 48), sent.length - 40]);
        expect(sent.slice(48)).toEqual(packet.slice(0, sent.length - 48));
        expect([sent[6], formatAddress(sent.slice(8, 24)), formatAddress(sent.slice(24, 40))]).toEqual([
          58,
          '2001:db8:2::2',
          '2001:db8:1::1',
        ]);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['IPv4: destination unreachable, code 13', v4(), 20, [3, 13]],
    ['IPv6: destination unreachable, code 1', v6(), 40, [1, 1]],
  ])('say that policy discards, where that is wanted (RFC 4301 section 5.1.1) %s', (_, packet, header, told) => {
    const flow = new Flow();
    parseFlow(flow, packet, 0, packet.length);
    const silent = new IcmpErrors({});
    expect([silent.prohibited(packet, 0, flow, 0), silent.counters().offered]).toEqual([0, 0n]);
    const errors = new IcmpErrors({ reportDiscards: true });
    const length = errors.prohibited(packet, 0, flow, 0);
    const sent = new Uint8Array(length);
    expect(errors.take(sent, 0)).toBe(length);
    expect([...sent.slice(header, header + 2), ...sent.slice(header + 4, header + 8)]).toEqual([...told, 0, 0, 0, 0]);
    expect(sent.slice(header + 8)).toEqual(packet);
    const sum =
      header === 20 ? checksumFinish(checksumAdd(sent, 20, length - 20)) : icmpv6Checksum(sent, 0, 40, length - 40);
    expect(sum).toBe(0);
  });

  it('come from the address that was configured', () => {
    const options = { source4: parseAddress('192.0.2.9'), source6: parseAddress('2001:db8::9') };
    expect(formatAddress(message(v4(), 1000, options)?.slice(12, 16) ?? new Uint8Array(4))).toBe('192.0.2.9');
    expect(formatAddress(message(v6(), 1000, options)?.slice(8, 24) ?? new Uint8Array(16))).toBe('2001:db8::9');
  });

  it('refuse an address of the wrong family', () => {
    expect(() => new IcmpErrors({ source4: new Uint8Array(16) })).toThrowError(RangeError);
    expect(() => new IcmpErrors({ source6: new Uint8Array(4) })).toThrowError(RangeError);
  });

  const icmp = (type: number) => Uint8Array.from([type, 0, 0, 0, ...new Array<number>(40).fill(0)]);
  it.each([
    ['an ICMP error', v4(8, { protocol: 1, payload: icmp(3) })],
    ['an ICMP redirect', v4(8, { protocol: 1, payload: icmp(5) })],
    ['an ICMPv6 error', v6(8, { protocol: 58, payload: icmp(1) })],
    ['an ICMPv6 error of an unknown type', v6(8, { protocol: 58, payload: icmp(127) })],
    ['an ICMPv6 redirect', v6(8, { protocol: 58, payload: icmp(137) })],
    ['a multicast', v4(9, { destination: '239.1.2.3' })],
    ['a broadcast', v4(9, { destination: '255.255.255.255' })],
    ['an IPv6 multicast', v6(9, { destination: 'ff02::1' })],
    ['no source', v4(9, { source: '0.0.0.0' })],
    ['a loopback source', v4(9, { source: '127.0.0.1' })],
    ['a multicast source', v4(9, { source: '224.0.0.1' })],
    ['no IPv6 source', v6(9, { source: '::' })],
    ['an IPv6 loopback source', v6(9, { source: '::1' })],
    ['an IPv6 multicast source', v6(9, { source: 'ff05::2' })],
    ['a later fragment', fragmentsOf(v4(200, { fragment: 0 }), 1, 64)[1] ?? v4()],
    ['a later IPv6 fragment', fragmentsOf(v6(200), 1, 64)[1] ?? v6()],
  ])('are not sent about %s (RFC 1122 section 3.2.2, RFC 4443 section 2.4)', (_, packet) => {
    expect(message(packet, 1000)).toBeUndefined();
  });

  it.each([
    ['an echo request', v4(8, { protocol: 1, payload: icmp(8) })],
    ['an ICMPv6 echo request', v6(8, { protocol: 58, payload: icmp(128) })],
    ['a first fragment', fragmentsOf(v4(200, { fragment: 0 }), 1, 64)[0] ?? v4()],
  ])('are sent about %s', (_, packet) => {
    expect(message(packet, 1000)).toBeDefined();
  });

  it('are limited in rate, and one that nobody took gives way', () => {
    const errors = new IcmpErrors({ perSecond: 10, burst: 2 });
    const flow = new Flow();
    parseFlow(flow, v4(), 0, 120);
    const lengths = [0, 0, 0, 50, 99, 100].map((now) => errors.tooLarge(v4(), 0, flow, 1000, now) > 0);
    expect(lengths).toEqual([true, true, false, false, false, true]);
    expect(errors.counters()).toEqual({ offered: 3n, rateLimited: 3n, unanswerable: 0n, notTaken: 2n });
  });
});
