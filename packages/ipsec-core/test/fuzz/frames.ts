/**
 * Where a packet stands in memory while the engine works on it. Every packet goes through one engine per frame; the
 * answers must not differ. What lies around the packet differs in each, so an answer that depended on it would show, and
 * it must be the same afterwards.
 */
export interface Placed {
  readonly packet: Uint8Array;
  readonly offset: number;
  readonly out: Uint8Array;
  readonly outOffset: number;
  /** Throws when the engine wrote where it must not. */
  readonly verify: () => void;
}

export interface Frame {
  readonly name: string;
  readonly place: (octets: Uint8Array, room: number) => Placed;
}

export const FRAMES: readonly Frame[] = [
  { name: 'exact size', place: (octets, room) => apart(octets, room, new Uint8Array(0), 0, 0) },
  { name: 'poison of ones', place: (octets, room) => apart(octets, room, new Uint8Array(64).fill(0xff), 32, 32) },
  {
    name: 'poison that looks like more packet',
    place: (octets, room) => apart(octets, room, Uint8Array.from(PLAUSIBLE), 17, 40),
  },
  { name: 'in place', place: inPlace },
];

function apart(octets: Uint8Array, room: number, poison: Uint8Array, before: number, after: number): Placed {
  const packet = surrounded(octets, poison, before, after);
  const out = surrounded(new Uint8Array(room), poison, before, after);
  const untouched = packet.slice();
  const surroundings = out.slice();
  return {
    packet,
    offset: before,
    out,
    outOffset: before,
    verify() {
      expectSame(packet, untouched, 0, before, 'what stands before the packet');
      expectSame(packet, untouched, before + octets.length, packet.length, 'what stands behind the packet');
      // SYN segments may be clamped where they stand (protect).
      if (!carriesTcp(octets)) expectSame(packet, untouched, before, before + octets.length, 'the packet');
      expectSame(out, surroundings, 0, before, 'what stands before out');
      expectSame(out, surroundings, before + room, out.length, 'what stands behind out');
    },
  };
}

/** One array; out overlaps the packet. */
function inPlace(octets: Uint8Array, room: number): Placed {
  const offset = 64;
  const outOffset = 40;
  const end = Math.max(offset + octets.length, outOffset + room);
  const arena = new Uint8Array(end + 32).fill(0x3c);
  arena.set(octets, offset);
  const before = arena.slice();
  return {
    packet: arena,
    offset,
    out: arena,
    outOffset,
    verify() {
      expectSame(arena, before, 0, outOffset, 'what stands before out');
      expectSame(arena, before, end, arena.length, 'what stands behind packet and out');
    },
  };
}

/** TCP as next layer of an IPv4 header, or anywhere in what follows an IPv6 header: generous on purpose. */
function carriesTcp(octets: Uint8Array): boolean {
  return (octets[0] ?? 0) >>> 4 === 4 ? octets[9] === TCP : octets.includes(TCP, 6);
}

function surrounded(middle: Uint8Array, poison: Uint8Array, before: number, after: number): Uint8Array {
  const whole = new Uint8Array(before + middle.length + after);
  whole.set(poison.subarray(0, before));
  whole.set(middle, before);
  whole.set(poison.subarray(0, after), before + middle.length);
  return whole;
}

function expectSame(now: Uint8Array, before: Uint8Array, from: number, to: number, what: string): void {
  for (let i = from; i < to; i++) if (now[i] !== before[i]) throw new Error(`${what} was changed at ${i - from}`);
}

/** Next header values, small lengths, an SPI of the world: what a parser that ran on would take for headers. */
const PLAUSIBLE: readonly number[] = [
  60, 0, 1, 4, 0, 0, 0, 0, 50, 0, 0, 0, 16, 0, 0, 0, 0, 1, 0, 9, 0, 7, 0, 8, 17, 0, 0, 0, 16, 1, 0, 0, 0, 2, 51, 4, 0,
  0, 0, 0, 16, 10, 0, 0, 0, 3, 43, 2, 0, 1, 0, 0, 0, 0, 69, 0, 0, 40, 0, 0, 64, 0, 64, 17,
];
const TCP = 6;
