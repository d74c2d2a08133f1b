import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { association, drops, plane, protect, selector, send } from '../../test/support/planes.js';
import type { SecurityAssociationParameters } from '../policy/security-association-parameters.js';
import { parseAddress } from '../wire/ip/address.js';
import type { DataPlane } from './data-plane.js';

type Form = 'udp4' | 'udp6' | 'ip4' | 'ip6';
const everything = [protect('e', selector([], []))];
const AROUND = { udp4: 28, udp6: 48, ip4: 0, ip6: 0 } as const;
const ADDRESSES = { ip4: ['192.0.2.1', '192.0.2.2'], ip6: ['2001:db8::a', '2001:db8::b'] } as const;

const TRANSPORT = { mode: 'transport' } as const;
const AH = { protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: new Uint8Array(32) } as const;
const AH_GMAC = { ...AH, integrity: 'aes-gmac', keyBits: 128, keyingMaterial: new Uint8Array(20) } as const;

interface Packet {
  readonly octets: Uint8Array;
  readonly whole: boolean;
}

/** Two edges with a tunnel in each direction, and the paths between them, in virtual time. */
class World {
  readonly a: DataPlane;
  readonly b: DataPlane;
  readonly form: Form;
  /** What each path carries; what is larger is dropped without a word. */
  mtu = { ab: 1500, ba: 1500 };
  now = 0;
  /** Octets of the whole packets that were sent for the paths' sake, by direction. */
  readonly sizes = { ab: [] as number[], ba: [] as number[] };
  readonly verdicts: string[] = [];

  constructor(form: Form, more: Partial<SecurityAssociationParameters> = {}, answers = true) {
    this.form = form;
    this.a = plane(everything, { pathProbing: true });
    this.b = plane(everything, { pathProbing: answers });
    this.install(this.a, this.b, 0x1000, more);
    this.install(this.b, this.a, 0x2000, more);
  }

  install(from: DataPlane, to: DataPlane, spi: number, more: Partial<SecurityAssociationParameters> = {}): void {
    const native = this.form === 'ip4' || this.form === 'ip6' ? this.form : undefined;
    const [one = '', other = ''] = native === undefined ? [] : ADDRESSES[native];
    const [local, remote] = [one, other].map((text) => (text === '' ? new Uint8Array(4) : parseAddress(text)));
    const ends = native && local && remote ? { local, remote } : undefined;
    const transport = more.mode === 'transport';
    const outer = ends === undefined || transport ? {} : { outer: ends };
    const between = ends === undefined || !transport ? {} : { between: ends };
    const underlay = { family: this.form === 'udp4' ? 4 : 6, udp: true } as const;
    const pathMtu = native ? { mtu: 1500 } : { mtu: 1500, underlay };
    const common = { spi, ...outer, ...more } as object;
    to.install({ ...association('inbound'), ...common }, this.now);
    from.install({ ...association('outbound'), pathMtu, ...between, ...common }, this.now);
  }

  /** Lets time pass: in each tenth of a second everything that is due is sent, and arrives. */
  pass(milliseconds: number, meanwhile: () => void = () => undefined): void {
    for (const end = this.now + milliseconds; this.now < end; this.now += 100) {
      meanwhile();
      while (this.#carry('ab', this.a, this.b) + this.#carry('ba', this.b, this.a) > 0);
    }
  }

  /** Clear packets that make the tunnel one in use. */
  use(from: DataPlane): void {
    const payload = udp(1, 2, 40);
    send(from, ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload }), this.now);
  }

  pathMtuOf(of: DataPlane): (number | undefined)[] {
    return of.associations(this.now).flatMap(({ direction, pathMtu }) => (direction === 'outbound' ? [pathMtu] : []));
  }

  #carry(way: 'ab' | 'ba', from: DataPlane, to: DataPlane): number {
    const packets = due(from, this.now);
    for (const { octets, whole } of packets) {
      const size = octets.length + AROUND[this.form];
      this.sizes[way].push(size);
      if (whole && octets[0] === 0x45) expect(octets[6]).toBe(0x40);
      if (size <= this.mtu[way]) this.verdicts.push(open(to, octets, whole, this.now));
    }
    return packets.length;
  }
}

function due(from: DataPlane, now: number): Packet[] {
  const out = new Uint8Array(2000);
  for (const message of from.paths.takeMessages()) from.paths.receive(message, now);
  const packets: Packet[] = [];
  while (from.paths.dueAt <= now) {
    const packet = from.paths.next(out, 0, now);
    if (packet === undefined) break;
    packets.push({ octets: out.slice(0, packet.length), whole: packet.wholePacket });
  }
  return packets;
}

function open(to: DataPlane, octets: Uint8Array, whole: boolean, now: number): string {
  const out = new Uint8Array(octets.length);
  const { verdict, reason } = whole
    ? to.openIp(octets, 0, octets.length, out, 0, now)
    : to.open(octets, 0, octets.length, out, 0, now);
  return reason ?? verdict;
}

describe('probes of the path MTU inside the association (RFC 8899, RFC 4303 section 2.6)', () => {
  it.each([
    ['ESP in UDP over IPv4', 'udp4', {}],
    ['ESP in UDP over IPv6', 'udp6', {}],
    ['ESP over IPv4', 'ip4', {}],
    ['ESP over IPv6', 'ip6', {}],
    ['ESP in transport mode over IPv4', 'ip4', TRANSPORT],
    ['ESP in transport mode over IPv6', 'ip6', TRANSPORT],
    ['AH over IPv4', 'ip4', AH],
    ['AH over IPv6', 'ip6', AH],
    ['AH with GMAC over IPv4', 'ip4', AH_GMAC],
    ['AH in transport mode over IPv4', 'ip4', { ...AH, ...TRANSPORT }],
    ['AH in transport mode over IPv6', 'ip6', { ...AH, ...TRANSPORT }],
  ] as const)('find what each direction carries: %s', (_, form, more) => {
    const world = new World(form, more as Partial<SecurityAssociationParameters>);
    world.mtu = { ab: 1403, ba: 1280 };
    world.pass(60_000);
    const [ab = 0] = world.pathMtuOf(world.a);
    const [ba = 0] = world.pathMtuOf(world.b);
    expect([1403 - ab, 1280 - ba].every((missing) => missing >= 0 && missing < 4)).toBe(true);
    expect(new Set(world.verdicts)).toEqual(new Set(['consumed']));
    expect([drops(world.a), drops(world.b)]).toEqual([{}, {}]);
    expect(world.a.tunnels()).toMatchObject([
      { outboundPackets: 0n, inboundPackets: 0n, pathMtuSearch: 'search_complete' },
    ]);
    const { pathProbes = 0n, pathProbeAnswers = 0n } = world.a.tunnels()[0] ?? {};
    expect(pathProbeAnswers).toBeGreaterThan(0n);
    expect(pathProbes).toBeGreaterThan(pathProbeAnswers);
    for (const size of [...world.sizes.ab, ...world.sizes.ba]) expect(size).toBeLessThanOrEqual(1500);
  });

  it('notice that a path which is used has shrunk, and say so to what is too large', () => {
    const world = new World('udp4');
    world.pass(5000);
    expect(world.pathMtuOf(world.a).every((mtu) => (mtu ?? 0) > 1490)).toBe(true);
    world.mtu.ab = 1300;
    world.pass(9000, () => world.use(world.a));
    expect(world.pathMtuOf(world.a).every((mtu) => (mtu ?? 0) <= 1300)).toBe(true);
    expect(world.a.tunnels()).toMatchObject([{ pathBlackHoles: 1n }]);
    const large = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', fragment: 0x4000, payload: udp(1, 2, 1280) });
    expect(send(world.a, large, world.now)).toMatchObject({ reasons: ['exceeds_path_mtu'], icmpErrors: [{}] });
    expect(world.b.tunnels()).toMatchObject([{ pathBlackHoles: 0n }]);
  });

  it('tell how long a round trip takes, and of loss only where the size is known to pass', () => {
    const world = new World('udp4');
    world.mtu.ab = 1403;
    world.pass(60_000);
    const trips = () => world.a.tunnels()[0]!;
    // Of the search, many were lost.
    expect(trips().pathProbes).toBeGreaterThan(trips().pathProbeAnswers);
    expect(trips().roundTripAnswers).toBe(trips().roundTripProbes);
    expect(trips().roundTrip).toBeGreaterThan(0);
    world.pass(20_000, () => world.use(world.a));
    const { roundTripProbes, roundTripAnswers } = trips();
    expect(roundTripProbes).toBeGreaterThan(0n);
    expect(roundTripAnswers).toBe(roundTripProbes);
    world.mtu.ab = 0;
    world.pass(9000, () => world.use(world.a));
    expect(trips().roundTripProbes).toBeGreaterThan(roundTripProbes);
    expect(trips().roundTripAnswers).toBe(roundTripAnswers);
    world.a.removeOutbound('t', 0x1000);
    world.pass(2000);
    expect(trips().roundTrip).toBeUndefined();
  });

  it('hand on at a rekey what was found, and go on by the new association', () => {
    const world = new World('udp4');
    world.mtu.ab = 1280;
    world.pass(60_000);
    const [found] = world.pathMtuOf(world.a);
    world.install(world.a, world.b, 0x3000);
    expect(world.pathMtuOf(world.a)).toEqual([found, found]);
    world.a.removeOutbound('t', 0x1000);
    world.b.removeInbound(0x1000);
    world.pass(20_000, () => world.use(world.a));
    expect(world.pathMtuOf(world.a)).toEqual([found]);
    expect(world.a.tunnels()).toMatchObject([{ pathBlackHoles: 0n, pathMtuSearch: 'search_complete' }]);
  });

  it.each([
    ['ESP', 'udp4', {}],
    ['ESP in transport mode', 'ip4', TRANSPORT],
    ['AH', 'ip4', AH],
    ['AH in transport mode', 'ip6', { ...AH, ...TRANSPORT }],
  ] as const)('are discarded by a peer that does not know them, which changes nothing: %s', (_, form, more) => {
    const world = new World(form, more as Partial<SecurityAssociationParameters>, false);
    world.pass(30_000);
    expect(new Set(world.verdicts)).toEqual(new Set(['dummy_packet']));
    expect(world.pathMtuOf(world.a)).toEqual([1500]);
    expect(world.a.tunnels()).toMatchObject([{ pathMtuSearch: 'disabled', pathProbeAnswers: 0n }]);
    expect(world.a.associations(world.now)).toMatchObject([{}, { pathMtu: 1500 }]);
  });

  it('are not sent in transport mode without the addresses of the hosts, nor in SA bundles, and for no tunnel that is gone', () => {
    const transport = { ...TRANSPORT, between: undefined, pathMtu: { mtu: 1500 } } as object;
    for (const more of [transport, { bundledWith: 'other' }]) {
      const world = new World('ip4', more);
      world.pass(5000);
      expect([world.sizes.ab, world.sizes.ba]).toEqual([[], []]);
    }
    const world = new World('udp4');
    world.pass(5000);
    world.a.removeOutbound('t', 0x1000);
    const before = world.sizes.ab.length;
    world.pass(20_000, () => world.use(world.a));
    expect(world.sizes.ab.length).toBe(before);
    expect(world.a.tunnels()).toMatchObject([{ pathMtuSearch: undefined }]);
  });

  it('make what ICMP says a question: nothing unauthenticated lowers what a probe has found', () => {
    const world = new World('udp4');
    const { a } = world;
    const told = (mtu: number) => {
      const [sent = new Uint8Array(8)] = send(
        a,
        ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 1300) }),
        world.now,
      ).packets;
      return a.receiveSocketError(sent, 0, 8, mtu, world.now);
    };
    // Nobody has answered yet.
    expect([told(1400), world.pathMtuOf(a)]).toEqual(['path_mtu_lowered', [1400]]);
    world.pass(5000);
    const [found] = world.pathMtuOf(a);
    expect(found).toBeGreaterThan(1490);
    // A lie is asked about, and that is all.
    const before = world.sizes.ab.length;
    expect([told(1300), world.pathMtuOf(a)]).toEqual(['path_mtu_asked', [found]]);
    world.pass(4000);
    expect(world.pathMtuOf(a)).toEqual([found]);
    expect(world.sizes.ab.length).toBeGreaterThan(before);
    // The truth is found out sooner for it.
    world.mtu.ab = 1300;
    expect(told(1300)).toBe('path_mtu_asked');
    world.pass(3200);
    expect(world.pathMtuOf(a)).toEqual([1300]);
  });

  it('begin anew on another path, where what was configured holds until they are answered', () => {
    const world = new World('ip4');
    world.mtu.ab = 1400;
    world.pass(60_000);
    world.a.moveOutbound('t', 0x1000, {
      outer: { local: parseAddress('192.0.2.9'), remote: parseAddress('192.0.2.2') },
      pathMtu: { mtu: 1500 },
    });
    expect(world.pathMtuOf(world.a)).toEqual([1500]);
    world.pass(60_000);
    expect(world.pathMtuOf(world.a)).toEqual([1400]);
  });

  it('that the system refuses are not waited for', () => {
    const world = new World('udp4');
    const { a, b } = world;
    const out = new Uint8Array(2000);
    const settle = () => {
      for (;;) {
        for (const message of a.paths.takeMessages()) a.paths.receive(message, 1);
        const packet = a.paths.next(out, 0, 1);
        if (packet === undefined) return;
        if (packet.length + 28 > 1300) a.paths.refuse(1);
        else {
          open(b, out.slice(0, packet.length), false, 1);
          for (const { octets } of due(b, 1)) open(a, octets, false, 1);
        }
      }
    };
    settle();
    expect(world.pathMtuOf(a)).toEqual([1300]);
  });

  it('arrive in a run of packets too, and are taken out of it', () => {
    const world = new World('udp4');
    const [probe] = due(world.a, 0);
    const size = probe?.octets.length ?? 0;
    const clear = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, size - 54) });
    const [packet = new Uint8Array()] = send(world.a, clear, 0).packets;
    expect(packet.length).toBe(size);
    const run = Uint8Array.from([...packet, ...(probe?.octets ?? [])]);
    const out = new Uint8Array(8192);
    expect(world.b.openRun(run, 0, size, run.length, out, 0, 1)).toMatchObject({ packets: 2, delivered: 1 });
    expect(world.b.paths.takeMessages()).toMatchObject([{ kind: 'probe', tunnelId: 't', size: size + 28 }]);
    expect(drops(world.b)).toEqual({});
  });
});
