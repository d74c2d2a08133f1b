import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, icmpError, ipPacket, udp } from '../../test/support/packets.js';
import { formatAddress, parseAddress, parsePrefix } from '../wire/ip/address.js';
import { NetworkMapper } from './network-mapper.js';

/** Where protocols keep a checksum over a pseudo-header: those of IPv4 and IPv6, and those of IPv6 alone. */
const COVERED: Readonly<Record<number, number>> = { 6: 16, 17: 6, 33: 6, 136: 6 };
const COVERED_IN_IPV6: Readonly<Record<number, number>> = { ...COVERED, 58: 2, 135: 4 };

/** What the sum over all of it, digit by digit, has the checksum be (RFC 1071). */
function slowChecksum(...parts: readonly Uint8Array[]): number {
  const octets = parts.flatMap((part) => [...part]);
  if (octets.length % 2 === 1) octets.push(0);
  let sum = 0n;
  for (let at = 0; at < octets.length; at += 2) sum += BigInt((octets[at] ?? 0) * 256 + (octets[at + 1] ?? 0));
  while (sum > 0xffffn) sum = (sum >> 16n) + (sum & 0xffffn);
  return Number(~sum & 0xffffn);
}

interface Recipe {
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** By how much the checksum is wrong; UDP: undefined leaves it out. */
  readonly error: number | undefined;
}

/** A packet whose checksums are computed over all of it, from nothing. */
function whole(source: string, destination: string, { protocol, payload, error }: Recipe): Uint8Array {
  const six = source.includes(':');
  const body = payload.slice();
  const at = (six ? COVERED_IN_IPV6 : COVERED)[protocol];
  if (at !== undefined) {
    const [one, other] = [parseAddress(source), parseAddress(destination)];
    const length = Uint8Array.of(0, 0, body.length >>> 8, body.length & 255, 0, 0, 0, protocol);
    body.fill(0, at, at + 2);
    let checksum = slowChecksum(one, other, length, body);
    if (protocol === 17 && error === undefined) checksum = 0;
    else if (error !== undefined && error > 0) checksum = wrong(checksum, error);
    if (protocol === 17 && error !== undefined && checksum === 0) checksum = 0xffff;
    body.set([checksum >>> 8, checksum & 255], at);
  }
  return ipPacket({ source, destination, protocol, payload: body });
}

/** Another number modulo 2^16-1, and never the one that is the same modulo that. */
function wrong(checksum: number, error: number): number {
  return (((checksum + error) % 0xffff) + 0xffff) % 0xffff;
}

interface Case {
  readonly local: string;
  readonly overlay: string;
  /** One host, as the site and as the overlay knows it; and one that is elsewhere. */
  readonly inSite: string;
  readonly inOverlay: string;
  readonly remote: string;
  readonly recipe: Recipe;
}

const addressBits = (octets: Uint8Array, length: number, hosts: Uint8Array) =>
  octets.map((octet, i) => {
    const mask = 0xff >> Math.min(8, Math.max(0, length - 8 * i));
    return (octet & ~mask) | ((hosts[i] ?? 0) & mask);
  });

/** Apart from each other: the first octets say which of the three it is. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    six: fc.boolean(),
    bits: fc.uint8Array({ minLength: 48, maxLength: 48 }),
    cut: fc.nat({ max: 120 }),
    protocol: fc.constantFrom(6, 17, 33, 136, 58, 135, 1, 132, 50, 47),
    payload: fc.uint8Array({ minLength: 40, maxLength: 300 }),
    error: fc.option(fc.constantFrom(0, 0, 0, 1, 77, 0xfffe), { nil: undefined }),
  })
  .map(({ six, bits, cut, protocol, payload, error }) => {
    const octets = six ? 16 : 4;
    const length = Math.min(8 + cut, octets * 8);
    const zeros = new Uint8Array(octets);
    const named = (first: number, from: number) => {
      const address = bits.slice(from, from + octets);
      address[0] = first;
      return address;
    };
    const [local, overlay] = [named(six ? 0xfd : 10, 0), named(six ? 0x20 : 172, octets)];
    const hosts = bits.slice(32, 32 + octets);
    const text = (address: Uint8Array) => formatAddress(address);
    const message = payload.slice();
    // Neither an error nor anything else that would be read as one.
    if (protocol === 1) message[0] = 8;
    if (protocol === 58) message[0] = 128;
    return {
      local: `${text(addressBits(local, length, zeros))}/${length}`,
      overlay: `${text(addressBits(overlay, length, zeros))}/${length}`,
      inSite: text(addressBits(local, length, hosts)),
      inOverlay: text(addressBits(overlay, length, hosts)),
      remote: text(named(six ? 0x30 : 11, 16)),
      recipe: { protocol, payload: message, error },
    };
  });

const mapperOf = ({ local, overlay }: Pick<Case, 'local' | 'overlay'>) =>
  new NetworkMapper([{ local: parsePrefix(local), overlay: parsePrefix(overlay) }]);

const hex = (packet: Uint8Array) => Buffer.from(packet).toString('hex');

/** In the middle of other octets, which must stay. */
function applied(mapper: NetworkMapper, direction: 'toOverlay' | 'toSite', packet: Uint8Array) {
  const memory = new Uint8Array(packet.length + 32).fill(0xa5);
  memory.set(packet, 16);
  const outcome = mapper[direction](memory, 16, packet.length);
  const around = [memory.subarray(0, 16), memory.subarray(16 + packet.length)].flatMap((part) => [...part]);
  if (around.some((octet) => octet !== 0xa5)) throw new Error('it wrote beside the packet');
  return { outcome, packet: Buffer.from(memory.subarray(16, 16 + packet.length)).toString('hex') };
}

describe('a network that is mapped 1:1', () => {
  it('has its packets become the ones that a host at the overlay address would have sent, octet for octet', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const { inSite, inOverlay, remote, recipe } = one;
        const sent = applied(mapperOf(one), 'toOverlay', whole(inSite, remote, recipe));
        expect(sent).toEqual({ outcome: 'mapped', packet: hex(whole(inOverlay, remote, recipe)) });
        const received = applied(mapperOf(one), 'toSite', whole(remote, inOverlay, recipe));
        expect(received).toEqual({ outcome: 'mapped', packet: hex(whole(remote, inSite, recipe)) });
      }),
      { numRuns: 400 },
    );
  });

  it('has ICMP errors about its packets quote what their sender sent, wherever the quote ends', () => {
    fc.assert(
      fc.property(cases, fc.nat({ max: 100 }), fc.boolean(), fc.boolean(), (one, more, fromRouter, fragment) => {
        const { inSite, inOverlay, remote, recipe } = one;
        const six = remote.includes(':');
        const router = six ? '3fff::9' : '11.250.0.9';
        const about = (source: string, destination: string) => {
          const packet = whole(source, destination, recipe);
          return fragment ? (fragmentsOf(packet, 9, 24)[1] ?? packet) : packet;
        };
        // At least what RFC 792 has quoted, and no half of a checksum.
        const quoted = (six ? 48 : 20) + 8 + 2 * more;
        const [type, code] = six ? [2, 0] : [3, 4];
        const outward = (host: string) =>
          icmpError(
            { source: fromRouter ? router : host, destination: remote },
            type,
            code,
            about(remote, host),
            1280,
            quoted,
          );
        const inward = (host: string) =>
          icmpError({ source: router, destination: host }, type, code, about(host, remote), 1280, quoted);
        expect(applied(mapperOf(one), 'toOverlay', outward(inSite))).toEqual({
          outcome: 'mapped',
          packet: hex(outward(inOverlay)),
        });
        expect(applied(mapperOf(one), 'toSite', inward(inOverlay))).toEqual({
          outcome: 'mapped',
          packet: hex(inward(inSite)),
        });
      }),
      { numRuns: 400 },
    );
  });

  it('has its fragments put together as what a host at the overlay address would have sent', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 3, max: 12 }), (one, units) => {
        const { inSite, inOverlay, remote, recipe } = one;
        const sent = fragmentsOf(whole(inSite, remote, recipe), 7, units * 8, 16);
        const wanted = fragmentsOf(whole(inOverlay, remote, recipe), 7, units * 8, 16);
        expect(sent.map((piece) => applied(mapperOf(one), 'toOverlay', piece))).toEqual(
          wanted.map((packet) => ({ outcome: 'mapped', packet: hex(packet) })),
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is not mapped', () => {
  const mapper = new NetworkMapper([
    { local: parsePrefix('10.0.0.0/24'), overlay: parsePrefix('172.20.1.0/24') },
    { local: parsePrefix('10.0.1.0/25'), overlay: parsePrefix('172.20.2.128/25') },
    { local: parsePrefix('fd00::/64'), overlay: parsePrefix('2001:db8:1::/64') },
  ]);
  const outcome = (direction: 'toOverlay' | 'toSite', packet: Uint8Array) => applied(mapper, direction, packet);

  it('stays as it is: other networks, and what is no packet', () => {
    const others = [
      ipPacket({ source: '10.0.1.128', destination: '10.9.0.1' }),
      ipPacket({ source: '9.255.255.255', destination: '10.0.0.1' }),
      ipPacket({ source: 'fd00:0:0:1::1', destination: 'fd01::1' }),
      icmpError(
        { source: '10.9.0.1', destination: '10.8.0.1' },
        3,
        4,
        ipPacket({ source: '10.8.0.1', destination: '10.9.0.2' }),
      ),
      Uint8Array.of(0x45, 0, 0, 99),
    ];
    for (const packet of others) expect(outcome('toOverlay', packet)).toEqual({ outcome: 'kept', packet: hex(packet) });
    const back = ipPacket({ source: '10.9.0.1', destination: '10.0.0.1' });
    expect(outcome('toSite', back)).toEqual({ outcome: 'kept', packet: hex(back) });
  });

  it('finds each of several prefixes, at both their ends', () => {
    const mapped = (source: string) =>
      formatAddress(
        Buffer.from(outcome('toOverlay', ipPacket({ source, destination: '10.9.0.1' })).packet, 'hex').subarray(12, 16),
      );
    expect(['10.0.0.0', '10.0.0.255', '10.0.1.0', '10.0.1.127'].map(mapped)).toEqual([
      '172.20.1.0',
      '172.20.1.255',
      '172.20.2.128',
      '172.20.2.255',
    ]);
  });

  it('is refused from the site when it claims an address that only the overlay has', () => {
    const packet = ipPacket({ source: '172.20.1.5', destination: '10.9.0.1' });
    expect(outcome('toOverlay', packet)).toEqual({ outcome: 'mapped_source', packet: hex(packet) });
  });

  it('is refused when its checksum is in the next fragment', () => {
    const tcp = ipPacket({ source: '10.0.0.1', destination: '10.9.0.1', protocol: 6, payload: udp(1, 2, 40) });
    const [first, second] = fragmentsOf(tcp, 3, 8);
    if (first === undefined || second === undefined) throw new Error('no fragments');
    expect(outcome('toOverlay', first)).toEqual({ outcome: 'unmappable', packet: hex(first) });
    expect(outcome('toOverlay', second).outcome).toBe('mapped');
  });

  it('is refused when it is an error that quotes nothing that can be read', () => {
    const short = icmpError({ source: '10.0.0.1', destination: '10.9.0.1' }, 3, 1, new Uint8Array(12));
    expect(outcome('toOverlay', short)).toEqual({ outcome: 'unmappable', packet: hex(short) });
  });

  it('is refused when it is under way to somewhere else (RFC 8200 section 4.4)', () => {
    const routed = (left: number) =>
      ipPacket({
        source: 'fd01::1',
        destination: '2001:db8:1::5',
        protocol: 43,
        payload: Uint8Array.of(17, 2, 0, left, ...new Array<number>(20).fill(0), ...udp(1, 2, 16)),
      });
    expect(outcome('toSite', routed(1))).toEqual({ outcome: 'unmappable', packet: hex(routed(1)) });
    expect(outcome('toSite', routed(0)).outcome).toBe('mapped');
  });
});
