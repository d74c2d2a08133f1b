import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { icmpError, ipPacket, udp } from '../../test/support/packets.js';
import { association, plane, protect, selector, send } from '../../test/support/planes.js';
import { ASSOCIATION_MEMORY_OCTETS } from '../policy/association-memory.js';
import type { AhAssociationParameters } from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';
import type { DataPlane, DataPlaneOptions } from './data-plane.js';
import { UNPROTECTED_ICMP_OUTCOMES } from './unprotected-icmp.js';

const MINUTE = 60_000;
const ends = (six: boolean) => (six ? ['2001:db8::a', '2001:db8::b'] : ['192.0.2.1', '192.0.2.2']) as [string, string];
const router = (six: boolean) => ({ source: six ? '2001:db8:f::1' : '198.51.100.1', destination: ends(six)[0] });
const clear = (length = 1000) =>
  ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', fragment: 0x4000, payload: udp(1, 2, length - 20) });
const ah = { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) } as const;

type Kind = 'udp' | 'esp' | 'ah';

/** An edge with one association over a path of 1500 octets; `wire` is what the underlay sees for a packet of it. */
function edge(kind: Kind, six: boolean, options: Partial<DataPlaneOptions> = {}) {
  const a = plane([protect('e', selector([], []))], options);
  const [local, remote] = ends(six);
  const outer = { local: parseAddress(local), remote: parseAddress(remote) };
  const common = {
    ...association('outbound'),
    ...(kind === 'udp'
      ? { pathMtu: { mtu: 1500, underlay: { family: six ? 6 : 4, udp: true } as const } }
      : { outer, pathMtu: { mtu: 1500 } }),
  };
  const install = (spi: number) =>
    a.install(kind === 'ah' ? ({ ...common, ...ah, spi } as AhAssociationParameters) : { ...common, spi }, 0);
  install(0x1000);
  const wire = (length?: number): Uint8Array => {
    const [sent] = send(a, clear(length)).packets;
    if (sent === undefined) throw new Error('not sent');
    if (kind !== 'udp') return sent;
    const payload = new Uint8Array(8 + sent.length);
    payload.set([0x11, 0x94, 0x11, 0x94, payload.length >>> 8, payload.length & 255]);
    payload.set(sent, 8);
    return ipPacket({ source: local, destination: remote, payload });
  };
  return { a, wire, install };
}

const tooBig = (six: boolean, about: Uint8Array, mtu: number, quoted = 200) =>
  icmpError(router(six), six ? 2 : 3, six ? 0 : 4, about, mtu, quoted);
const receive = (at: DataPlane, packet: Uint8Array, now = 5) => at.receiveIcmpError(packet, 0, packet.length, now);
const mtuAt = (at: DataPlane, now = 5) => at.associations(now)[0]?.pathMtu;
const kinds = (['udp', 'esp', 'ah'] as const).flatMap((kind) => [false, true].map((six) => [kind, six] as const));

describe('unprotected ICMP about our packets (RFC 4301 sections 6.1.1 and 8.2.1)', () => {
  it.each(kinds)('lowers the path MTU, which the next packet meets, and which ages (%s, IPv6 %s)', (kind, six) => {
    const { a, wire } = edge(kind, six);
    expect(receive(a, tooBig(six, wire(1300), 1300))).toBe('path_mtu_lowered');
    expect(mtuAt(a)).toBe(1300);
    expect(send(a, clear(1300), 6).reasons).toEqual(['exceeds_path_mtu']);
    expect(send(a, clear(1100), 6).reasons).toEqual([]);
    expect(receive(a, tooBig(six, wire(1100), 1300))).toBe('implausible_mtu');
    expect(receive(a, tooBig(six, wire(1100), 1300, 100))).toBe('implausible_mtu');
    expect(mtuAt(a, 5 + 10 * MINUTE)).toBe(1500);
    expect(send(a, clear(1300), 6 + 10 * MINUTE).reasons).toEqual([]);
  });

  it('keeps to its bounds whatever is claimed', () => {
    for (const six of [false, true]) {
      for (const claimed of [0, 1, 67, 68, 575, 576, 1279, 1280, 1499, 1500, 9000, 65_535]) {
        const { a, wire } = edge('udp', six);
        const outcome = receive(a, tooBig(six, wire(1400), claimed));
        const now = mtuAt(a) ?? 0;
        expect(now).toBeGreaterThanOrEqual(six ? 1280 : 576);
        expect(now).toBeLessThanOrEqual(1500);
        if (six && claimed < 1280) expect(outcome).toBe('implausible_mtu');
        if (!six && claimed === 0) expect(now).toBe(1006);
        if (claimed >= 1500) expect([outcome, now]).toEqual(['implausible_mtu', 1500]);
      }
    }
  });

  it.each(kinds)('wants SPI, sequence number and peer to be those of a packet of ours (%s, IPv6 %s)', (kind, six) => {
    const { a, wire } = edge(kind, six);
    const about = wire(1350);
    const header = (six ? 40 : 20) + (kind === 'udp' ? 8 : 0) + (kind === 'ah' ? 4 : 0);
    const withChange = (at: number, bits: number) => {
      const changed = about.map((octet, i) => (i === at ? octet ^ bits : octet));
      return receive(a, tooBig(six, changed, 1300));
    };
    expect(withChange(header, 1)).toBe('unknown_association');
    // Only number 1 was sent: not 0, 2 or 5.
    for (const bits of [1, 3, 4]) expect(withChange(header + 7, bits)).toBe('implausible_sequence');
    // Somebody else's packet with our SPI and number; where a socket sends, the socket knows its peer.
    if (kind !== 'udp') expect(withChange(six ? 39 : 19, 1)).toBe('unknown_association');
    expect(mtuAt(a)).toBe(1500);
    expect(withChange(0, 0)).toBe('path_mtu_lowered');
  });

  it('wants the number to be recent', () => {
    const { a, wire } = edge('udp', false);
    const old = wire();
    for (let packet = 0; packet < 5; packet++) wire();
    expect(receive(a, tooBig(false, old, 900))).toBe('path_mtu_lowered');
    const future = old.slice();
    future.set([0, 0, 0, 7], 32);
    expect(receive(a, tooBig(false, future, 800))).toBe('implausible_sequence');
    future.set([0xff, 0xf0, 0, 0], 32);
    expect(receive(a, tooBig(false, future, 800))).toBe('implausible_sequence');
  });

  it('is told apart from every other message, and can be switched off', () => {
    const { a, wire } = edge('udp', false);
    const about = wire();
    const six = edge('udp', true);
    const damaged = tooBig(false, about, 900);
    damaged[30] = (damaged[30] ?? 0) ^ 1;
    const damaged6 = tooBig(true, six.wire(1400), 1300);
    damaged6[60] = (damaged6[60] ?? 0) ^ 1;
    expect([
      receive(a, icmpError(router(false), 3, 3, about)),
      receive(a, icmpError(router(false), 11, 0, about)),
      receive(a, ipPacket({ source: '1.2.3.4', destination: '192.0.2.1' })),
      receive(a, new Uint8Array(3)),
      receive(a, damaged),
      receive(six.a, damaged6),
      receive(a, tooBig(false, about, 900, 35)),
      receive(a, tooBig(false, about, 900, 19)),
      receive(a, tooBig(false, ipPacket({ source: '192.0.2.1', destination: '192.0.2.2', protocol: 6 }), 20)),
      receive(edge('udp', false, { unprotectedIcmp: { pathMtu: 'ignore' } }).a, tooBig(false, about, 900)),
    ]).toEqual([
      'not_path_mtu',
      'not_path_mtu',
      'not_path_mtu',
      'malformed',
      'bad_checksum',
      'bad_checksum',
      'quote_too_short',
      'quote_too_short',
      'unknown_association',
      'not_accepted',
    ]);
    expect(mtuAt(a)).toBe(1500);
    expect(a.unprotectedIcmp().reduce((sum, { messages }) => sum + messages, 0n)).toBe(8n);
  });

  it('needs no more than the 8 octets of quote that every router gives, where there is no UDP', () => {
    const { a, wire } = edge('esp', false);
    expect(receive(a, tooBig(false, wire(), 900, 28))).toBe('path_mtu_lowered');
  });

  it('comes from a socket’s error queue as well', () => {
    const { a, wire } = edge('udp', false);
    const payload = wire().slice(28);
    expect(a.receiveSocketError(payload, 0, 7, 1400, 5)).toBe('quote_too_short');
    expect(a.receiveSocketError(payload, 0, 8, 1400, 5)).toBe('path_mtu_lowered');
    expect(a.receiveSocketError(payload, 0, 8, 1400, 5)).toBe('path_mtu_unchanged');
    payload[7] = 9;
    expect(a.receiveSocketError(payload, 0, 8, 1300, 5)).toBe('implausible_sequence');
    expect(mtuAt(a)).toBe(1400);
    const raw = edge('esp', false);
    expect(raw.a.receiveSocketError(raw.wire().slice(20), 0, 8, 1300, 5)).toBe('unknown_association');
  });

  it('counts at every engine that has the association, whichever of them is told, and for the one that comes next', () => {
    const memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
    const policies = [protect('e', selector([], []))];
    const path = { mtu: 1500, underlay: { family: 4, udp: true } } as const;
    const engine = () => {
      const made = plane(policies);
      made.install(association('outbound', { memory, pathMtu: path }), 0);
      return made;
    };
    const [sends, listens] = [engine(), engine()];
    const [sent] = send(sends, clear(1400)).packets;
    // It has sent nothing itself, and knows what was sent.
    expect(listens.receiveSocketError(sent ?? new Uint8Array(), 0, 8, 1300, 5)).toBe('path_mtu_lowered');
    for (const one of [sends, listens, engine()]) expect(mtuAt(one)).toBe(1300);
    expect(send(sends, clear(1400)).reasons).toEqual(['exceeds_path_mtu']);
    const later = sent?.slice() ?? new Uint8Array(8);
    later[7] = 99;
    expect(listens.receiveSocketError(later, 0, 8, 1200, 5)).toBe('implausible_sequence');
    expect(sends.receiveSocketError(sent ?? new Uint8Array(), 0, 8, 1250, 5)).toBe('path_mtu_lowered');
    expect([mtuAt(sends), mtuAt(listens)]).toEqual([1250, 1250]);
    listens.paths.forgetPathMtu('t');
    expect([mtuAt(sends), mtuAt(listens)]).toEqual([1500, 1500]);
  });

  it('without an MTU lowers nothing where the length of the packet does not show', () => {
    const { a, wire } = edge('udp', false);
    expect(a.receiveSocketError(wire().slice(28), 0, 8, 0, 5)).toBe('implausible_mtu');
    expect(mtuAt(a)).toBe(1500);
  });

  it.each(kinds.filter(([kind]) => kind !== 'udp'))(
    'comes from a raw socket’s error queue with the packet’s own header (%s, IPv6 %s)',
    (kind, six) => {
      const { a, wire } = edge(kind, six);
      const about = wire(1350);
      const header = (six ? 40 : 20) + (kind === 'ah' ? 12 : 8);
      const told = (length: number, mtu: number, packet = about) => a.receiveQuotedPacket(packet, 0, length, mtu, 5);
      for (const length of [0, 19, header - 1]) expect(told(length, 1300)).toBe('quote_too_short');
      expect(told(about.length + 1, 1300)).toBe('quote_too_short');
      expect(told(256, 9000)).toBe('implausible_mtu');
      const stranger = about.slice();
      stranger[six ? 39 : 19] = 99;
      expect(told(256, 1300, stranger)).toBe('unknown_association');
      expect(mtuAt(a)).toBe(1500);
      expect(told(header, 1300)).toBe('path_mtu_lowered');
      expect(told(header, 1300)).toBe('path_mtu_unchanged');
      expect(mtuAt(a)).toBe(1300);
      // RFC 1191 section 7 has an answer for a router that gives no MTU, RFC 8201 takes none below 1280.
      expect(told(header, 0)).toBe(six ? 'implausible_mtu' : 'path_mtu_lowered');
      expect(mtuAt(a)).toBe(six ? 1300 : 1006);
    },
  );

  it('about a predecessor counts for the association that took its place', () => {
    const { a, wire, install } = edge('udp', false);
    const about = wire();
    install(0x2000);
    expect(receive(a, tooBig(false, about, 900))).toBe('path_mtu_lowered');
    expect(a.associations(5).map(({ pathMtu }) => pathMtu)).toEqual([900, 900]);
    a.removeOutbound('t', 0x1000);
    install(0x3000);
    expect(a.associations(5).map(({ pathMtu }) => pathMtu)).toEqual([900, 900]);
    a.paths.forgetPathMtu('t');
    expect(a.associations(5).map(({ pathMtu }) => pathMtu)).toEqual([1500, 1500]);
  });

  it('does nothing to an association without a path MTU', () => {
    const a = plane([protect('e', selector([], []))]);
    a.install(association('outbound'), 0);
    const [sent] = send(a, clear()).packets;
    expect(a.receiveSocketError(sent ?? new Uint8Array(), 0, 8, 1300, 5)).toBe('no_path_mtu');
  });

  it('is not searched for without limit', () => {
    const { a, wire } = edge('udp', false);
    const stranger = wire();
    stranger[28] = 99;
    const outcomes = Array.from({ length: 150 }, () => receive(a, tooBig(false, stranger, 900)));
    expect(outcomes.filter((outcome) => outcome === 'unknown_association')).toHaveLength(100);
    expect(outcomes.filter((outcome) => outcome === 'rate_limited')).toHaveLength(50);
  });

  it('never throws, and lowers nothing without SPI and number, whatever comes', () => {
    const { a, wire } = edge('esp', false);
    const genuine = tooBig(false, wire(), 900);
    const fuzzed = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc
        .array(fc.tuple(fc.nat({ max: genuine.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
        .map((changes) => {
          const packet = genuine.slice();
          for (const [at, value] of changes) packet[at] = value;
          return packet;
        }),
    );
    let now = 100;
    fc.assert(
      fc.property(fuzzed, (packet) => {
        now += 10;
        const outcome = receive(a, packet, now);
        expect(UNPROTECTED_ICMP_OUTCOMES).toContain(outcome);
        if (outcome !== 'path_mtu_lowered') return;
        expect([...packet.slice(48, 56)]).toEqual([0, 0, 0x10, 0, 0, 0, 0, 1]);
      }),
      { numRuns: 5000 },
    );
  });
});
