import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fragmentsOf, ipPacket, ipv4HeaderChecksum, udp } from '../../test/support/packets.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { FragmentFields, parseFragment } from '../wire/ip/fragment.js';
import { readTrafficClass, writeTrafficClass } from '../wire/ip/header.js';
import { DropCounters } from './drop-counters.js';
import { Reassembler, type ReassemblyOptions } from './reassembly.js';

const textOf = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

/** A reassembler, and what becomes of fragments in it. */
function bench(options: ReassemblyOptions = {}) {
  const drops = new DropCounters();
  const reassembler = new Reassembler(options, drops);
  const flow = new Flow();
  const fields = new FragmentFields();
  const memory = new Uint8Array(70_000);
  return {
    reassembler,
    /** Including those that the caller counts. */
    dropped: () =>
      Object.fromEntries(
        drops.snapshot().flatMap(({ reason, packets }) => (packets > 0n ? [[reason, Number(packets)]] : [])),
      ),
    add(fragment: Uint8Array, now = 0): string | Uint8Array {
      const arena = new Uint8Array(fragment.length + 8);
      arena.set(fragment, 4);
      if (!parseFlow(flow, arena, 4, fragment.length)) return 'malformed_packet';
      if (!parseFragment(fields, arena, 4, flow.totalLength)) return 'fragment_malformed';
      const before = JSON.stringify([drops.snapshot(), reassembler.use()], textOf);
      const foreseen = reassembler.foresee(arena, 4, flow, fields, now);
      expect(JSON.stringify([drops.snapshot(), reassembler.use()], textOf)).toBe(before);
      const outcome = reassembler.add(arena, 4, flow, fields, now);
      const result = outcome === 'complete' ? memory.slice(0, reassembler.write(memory)) : outcome;
      expect(typeof foreseen === 'string' ? foreseen : foreseen.packet).toEqual(result);
      if (outcome !== 'held' && outcome !== 'complete') drops.count(outcome);
      return result;
    },
  };
}

const packetOf = (six: boolean, size: number, port = 2) =>
  ipPacket({
    source: six ? '2001:db8:1::1' : '10.1.0.1',
    destination: six ? '2001:db8:2::2' : '10.2.0.2',
    payload: udp(1, port, size),
  });
/** As fragmentsOf writes it into fragments, so that whole packets compare. */
const identified = (packet: Uint8Array, identification: number) => {
  const whole = packet.slice();
  if ((whole[0] ?? 0) >>> 4 === 4) {
    whole.set([identification >>> 8, identification & 255], 4);
    const view = new DataView(whole.buffer);
    view.setUint16(10, 0);
    view.setUint16(10, ipv4HeaderChecksum(whole));
  }
  return whole;
};
const NOTHING_HELD = { packets: 0, fragments: 0, octets: 0 };
const units = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });

/** One piece of a datagram for the model: of which datagram, its units of 8 octets, its end, its octets. */
interface Piece {
  readonly id: number;
  readonly from: number;
  readonly length: number;
  readonly more: boolean;
  readonly fill: number;
}

function pieceOf({ id, from, length, more, fill }: Piece): Uint8Array {
  const data = Uint8Array.from({ length }, (_, i) => (8 * from + i) ^ fill);
  const packet = ipPacket({
    source: '10.1.0.1',
    destination: '10.2.0.2',
    fragment: (more ? 0x2000 : 0) | from,
    payload: data,
  });
  packet.set([0, id], 4);
  return packet;
}

/** RFC 791, 5722 and 8200 section 4.5 over lists of octets: slow and obvious. */
class Oracle {
  readonly #packets = new Map<number, { pieces: Piece[]; refused: boolean }>();

  add(piece: Piece): string {
    const { id, from, length, more } = piece;
    if (more && length % 8 !== 0) return 'fragment_malformed';
    const packet = this.#packets.get(id) ?? { pieces: [], refused: false };
    this.#packets.set(id, packet);
    if (packet.refused) return 'fragment_of_refused_packet';
    const octets = (p: Piece) => new Set(Array.from({ length: p.length }, (_, i) => 8 * p.from + i));
    const mine = octets(piece);
    for (const other of packet.pieces) {
      const same = other.from === from && other.length === length && other.more === more && other.fill === piece.fill;
      if (same) return 'fragment_duplicate';
    }
    packet.pieces.push(piece);
    const overlap = packet.pieces.some((p) => p !== piece && [...octets(p)].some((octet) => mine.has(octet)));
    const ends = new Set(packet.pieces.filter((p) => !p.more).map((p) => 8 * p.from + p.length));
    const [end] = ends;
    const beyond =
      end !== undefined &&
      packet.pieces.some((p) => 8 * p.from + p.length > end || (p.more && 8 * p.from + p.length === end));
    if (overlap || ends.size > 1 || beyond) {
      packet.refused = true;
      return 'refused';
    }
    const received = packet.pieces.reduce((sum, p) => sum + p.length, 0);
    if (received !== end) return 'held';
    this.#packets.delete(id);
    return 'complete';
  }
}

/** Fragments that became part of a packet. */
class Ledger {
  readonly #held = new Map<number, number>();
  delivered = 0;

  book(id: number, outcome: string): void {
    const held = this.#held.get(id) ?? 0;
    if (outcome === 'held') this.#held.set(id, held + 1);
    if (outcome === 'complete') this.delivered += held + 1;
    if (outcome === 'complete' || outcome === 'fragment_overlap' || outcome === 'fragment_end_conflict') {
      this.#held.set(id, 0);
    }
  }
}

describe('reassembly (RFC 4301 section 7, RFC 5722, RFC 8200 section 4.5)', () => {
  it('gives the packet back, in whatever order and how often its fragments come', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        units,
        fc.integer({ min: 16, max: 4000 }),
        fc.infiniteStream(fc.nat()),
        (six, sizes, size, random) => {
          const packet = packetOf(six, size);
          const pieces = fragmentsOf(packet, 4711, ...sizes.map((count) => Math.max(2, count) * 8));
          fc.pre(pieces.length > 1 && pieces.length < 60);
          const order = pieces.map((piece) => [random.next().value, piece] as const).sort((a, b) => a[0] - b[0]);
          const { add, reassembler, dropped } = bench();
          const outcomes = order.map(([, piece]) => add(piece));
          expect(outcomes.slice(0, -1).every((outcome) => outcome === 'held')).toBe(true);
          expect(outcomes.at(-1)).toEqual(identified(packet, 4711));
          expect(reassembler.largestFragment).toBe(Math.max(...pieces.map(({ length }) => length)));
          expect(reassembler.identification).toBe(4711);
          const again = bench();
          const twice = order.slice(0, -1).flatMap(([, piece]) => [again.add(piece), again.add(piece)]);
          expect(twice).toEqual(order.slice(0, -1).flatMap(() => ['held', 'fragment_duplicate']));
          expect(again.add(order.at(-1)?.[1] ?? packet)).toEqual(identified(packet, 4711));
          expect([dropped(), reassembler.use()]).toMatchObject([{}, NOTHING_HELD]);
          expect(again.dropped()).toEqual({ fragment_duplicate: pieces.length - 1 });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('agrees with a model over octets on any mixture of fragments, and loses count of none', () => {
    const piece: fc.Arbitrary<Piece> = fc.record({
      id: fc.nat({ max: 2 }),
      from: fc.nat({ max: 4 }),
      length: fc.constantFrom(8, 8, 8, 16, 24, 5),
      more: fc.boolean(),
      fill: fc.constantFrom(0, 0, 0, 1),
    });
    const isFragment = ({ from, more }: Piece) => from !== 0 || more;
    const refusals = new Set(['fragment_overlap', 'fragment_end_conflict']);
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(piece.filter(isFragment), { maxLength: 30 }), (pieces) => {
        const oracle = new Oracle();
        const { add, reassembler, dropped } = bench();
        const ledger = new Ledger();
        for (const one of pieces) {
          const outcome = add(pieceOf(one));
          const name = typeof outcome === 'string' ? outcome : 'complete';
          seen.add(name);
          expect(refusals.has(name) ? 'refused' : name).toBe(oracle.add(one));
          ledger.book(one.id, name);
        }
        reassembler.expire(30_000);
        const gone = Object.values(dropped()).reduce((sum, count) => sum + count, 0);
        expect(gone + ledger.delivered).toBe(pieces.length);
        expect(reassembler.use()).toMatchObject(NOTHING_HELD);
      }),
      { numRuns: 1000 },
    );
    expect([...seen].sort()).toEqual([
      'complete',
      'fragment_duplicate',
      'fragment_end_conflict',
      'fragment_malformed',
      'fragment_of_refused_packet',
      'fragment_overlap',
      'held',
    ]);
  });

  it('does not mix packets that differ in any part of their name', () => {
    const base = { source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 64) };
    const others = [
      [{ ...base, source: '10.1.0.2' }, 1],
      [{ ...base, destination: '10.2.0.3' }, 1],
      [{ ...base, protocol: 132 }, 1],
      [base, 2],
    ] as const;
    const [first, second] = fragmentsOf(ipPacket(base), 1, 32);
    const { add } = bench();
    expect(add(first ?? new Uint8Array())).toBe('held');
    for (const [fields, id] of others)
      expect(add(fragmentsOf(ipPacket(fields), id, 32)[1] ?? new Uint8Array())).toBe('held');
    expect(add(second ?? new Uint8Array())).toBeInstanceOf(Uint8Array);
    const [six1, six2] = fragmentsOf(packetOf(true, 64), 1, 32);
    const [, other2] = fragmentsOf(packetOf(true, 64), 0x10001, 32);
    expect([add(six1 ?? new Uint8Array()), add(other2 ?? new Uint8Array())]).toEqual(['held', 'held']);
    // The next header of later IPv6 fragments does not count (RFC 8200 section 4.5).
    six2?.set([99], 40);
    expect(add(six2 ?? new Uint8Array())).toEqual(packetOf(true, 64));
  });

  it('puts an IPv6 packet together around headers that routers read', () => {
    const payload = Uint8Array.from([44, 0, 5, 2, 0, 0, 1, 0, 17, 0, 0, 1, 0, 0, 0, 9, ...udp(1, 2, 64)]);
    const first = ipPacket({ source: '2001:db8::1', destination: '2001:db8::2', protocol: 0, payload });
    const later = ipPacket({
      source: '2001:db8::1',
      destination: '2001:db8::2',
      protocol: 0,
      payload: Uint8Array.from([44, 0, 5, 2, 0, 0, 1, 0, 17, 0, 0, 64, 0, 0, 0, 9, 1, 2, 3]),
    });
    const { add } = bench();
    expect(add(later)).toBe('held');
    expect(add(first)).toEqual(
      ipPacket({
        source: '2001:db8::1',
        destination: '2001:db8::2',
        protocol: 0,
        payload: Uint8Array.from([17, 0, 5, 2, 0, 0, 1, 0, ...udp(1, 2, 64), 1, 2, 3]),
      }),
    );
  });

  it('refuses what would be longer than a packet can be, whoever comes first', () => {
    for (const [six, limit] of [
      [false, 65_535 - 20],
      [true, 65_535],
    ] as const) {
      const piece = (position: number, length: number, more: boolean) => {
        const [made] = fragmentsOf(packetOf(six, Math.max(length, 16) + 8), 5, length);
        const bytes = made ?? new Uint8Array();
        const view = new DataView(bytes.buffer);
        if (six) view.setUint16(42, position | (more ? 1 : 0));
        else view.setUint16(6, (more ? 0x2000 : 0) | (position / 8));
        return bytes;
      };
      const { add, dropped } = bench();
      expect(add(piece(65_528, 16, false))).toBe('fragment_oversize');
      const last = limit - (limit % 8);
      expect(add(piece(last - 8, (limit % 8) + 9, false))).toBe('fragment_oversize');
      expect(add(piece(last - 8, (limit % 8) + 8, false))).toBe('held');
      expect(dropped()).toEqual({ fragment_oversize: 2 });
    }
  });

  it('puts the largest packet together from the fewest and the most fragments it takes', () => {
    for (const [six, size, most] of [
      [false, 65_515, 1480],
      [true, 65_535, 1232],
    ] as const) {
      const packet = packetOf(six, size);
      for (const piece of [most, 32_768]) {
        const { add, reassembler } = bench({ maximumOctets: 256 << 10 });
        const outcomes = fragmentsOf(packet, 7, ...new Array<number>(64).fill(piece)).map((part) => add(part));
        expect(outcomes.at(-1)).toEqual(identified(packet, 7));
        expect(reassembler.use()).toMatchObject(NOTHING_HELD);
      }
    }
  });

  it('ends a packet of more than 64 fragments, and stays deaf for it', () => {
    const { add, dropped } = bench();
    const pieces = fragmentsOf(packetOf(false, 16 * 80), 7, ...new Array<number>(80).fill(16));
    const outcomes = pieces.map((piece) => add(piece));
    expect(outcomes.slice(0, 64).every((outcome) => outcome === 'held')).toBe(true);
    expect(new Set(outcomes.slice(65))).toEqual(new Set(['fragment_of_refused_packet']));
    expect(dropped()).toEqual({ fragment_too_many: 65, fragment_of_refused_packet: 15 });
  });

  it('gives up after its time, counted by fragments, and takes the packet anew', () => {
    const { add, dropped, reassembler } = bench({ timeoutMilliseconds: 1000 });
    const pieces = fragmentsOf(packetOf(true, 200), 7, 64, 64);
    const [first, second, third] = pieces.map((piece) => (now: number) => add(piece, now));
    expect([first?.(0), second?.(999)]).toEqual(['held', 'held']);
    expect(third?.(1000)).toBe('held');
    expect(dropped()).toEqual({ reassembly_timeout: 2 });
    reassembler.expire(1999);
    expect(reassembler.use().packets).toBe(1);
    reassembler.expire(2000);
    expect(dropped()).toEqual({ reassembly_timeout: 3 });
    // Nor is a packet that was refused remembered for longer.
    expect([first?.(3000), add(pieces[0]?.map((o, i) => (i > 50 ? o ^ 1 : o)) ?? new Uint8Array(), 3000)]).toEqual([
      'held',
      'fragment_overlap',
    ]);
    expect([second?.(3999), second?.(4000)]).toEqual(['fragment_of_refused_packet', 'held']);
  });

  it('lets the packet that has waited longest make room, in number and in memory', () => {
    const few = bench({ maximumPackets: 3 });
    const first = (id: number, size = 64, piece = 32) =>
      fragmentsOf(packetOf(false, size), id, piece)[0] ?? new Uint8Array();
    const rest = (id: number) => fragmentsOf(packetOf(false, 64), id, 32)[1] ?? new Uint8Array();
    for (const id of [1, 2, 3, 4]) expect(few.add(first(id))).toBe('held');
    expect(few.dropped()).toEqual({ reassembly_evicted: 1 });
    expect([few.add(rest(2)), few.add(rest(3)), few.add(rest(4))].every((out) => out instanceof Uint8Array)).toBe(true);

    const tight = bench({ maximumOctets: 256 << 10 });
    for (let id = 1; id <= 5; id++) expect(tight.add(first(id, 60_000, 59_904))).toBe('held');
    expect(tight.dropped()).toEqual({ reassembly_evicted: 1 });
    expect(tight.reassembler.use().packets).toBe(4);
    expect(tight.reassembler.use().octets).toBeLessThanOrEqual(256 << 10);
  });

  it('keeps DF and congestion marks, and drops a packet whose marks would be lost (RFC 3168 section 5.3)', () => {
    const made = (fields: readonly number[], df: number) => {
      const pieces = fragmentsOf(packetOf(false, 96), 3, ...fields.slice(1).map(() => 32));
      const { add, dropped } = bench();
      const outcomes = pieces.map((piece, i) => {
        if (i === df) piece[6] = (piece[6] ?? 0) | 0x40;
        writeTrafficClass(piece, 0, (10 << 2) | (fields[i] ?? 0));
        return add(piece);
      });
      const whole = outcomes.at(-1);
      return whole instanceof Uint8Array ? [readTrafficClass(whole, 0) & 3, (whole[6] ?? 0) >>> 6] : [whole, dropped()];
    };
    expect(made([2, 2, 2], 9)).toEqual([2, 0]);
    expect(made([2, 3, 2], 2)).toEqual([3, 1]);
    expect(made([1, 2, 1], 0)).toEqual([1, 1]);
    expect(made([0, 0, 0], 1)).toEqual([0, 1]);
    expect(made([2, 3, 0], 9)).toEqual(['fragment_ecn_mixed', { fragment_ecn_mixed: 3 }]);
  });

  it('wants the header that filters look at in the first fragment (RFC 1858, RFC 7112)', () => {
    const tcp = ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', protocol: 6, payload: udp(1, 2, 64) });
    const { add } = bench();
    expect(add(fragmentsOf(tcp, 1, 16)[0] ?? tcp)).toBe('fragment_tiny');
    expect(add(fragmentsOf(tcp, 2, 24)[0] ?? tcp)).toBe('held');
  });

  it('never throws and keeps its accounts, whatever comes', () => {
    const { add, reassembler } = bench({ maximumPackets: 4, maximumOctets: 256 << 10 });
    const seeds = [true, false].flatMap((six) => fragmentsOf(packetOf(six, 200), 1, 64, 64));
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 255 })), { maxLength: 5 }))
      .map(([seed, changes]) => {
        const packet = seed.slice();
        for (const [at, value] of changes) if (at < packet.length) packet[at] = value;
        return packet;
      });
    let now = 0;
    fc.assert(
      fc.property(mutated, (packet) => {
        now += 100;
        const outcome = add(packet, now);
        if (outcome instanceof Uint8Array)
          expect(parseFlow(new Flow(), outcome, 0, outcome.length)).toBeTypeOf('boolean');
        expect(reassembler.use().packets).toBeLessThanOrEqual(4);
      }),
      { numRuns: 5000 },
    );
    reassembler.expire(now + 30_000);
    expect(reassembler.use()).toMatchObject(NOTHING_HELD);
  });

  it.each([
    { maximumOctets: 1000 },
    { maximumPackets: 0 },
    { timeoutMilliseconds: 60_001 },
    { timeoutMilliseconds: NaN },
  ])('refuses the option %j', (options) => {
    expect(() => bench(options)).toThrowError(RangeError);
  });
});
