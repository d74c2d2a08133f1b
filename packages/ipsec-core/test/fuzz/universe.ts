import {
  type CryptoProvider,
  type DataPlane,
  type DropReason,
  type InboundResult,
  type OutboundResult,
  toHex,
} from '@weft/ipsec-core';
import type { Frame, Placed } from './frames.js';
import { createWorld, type World } from './world.js';

/** Every call that takes octets from outside. */
export type Entrance = 'protect' | 'open' | 'openIp' | 'receiveClear' | 'receiveIcmpError';

/** What a call answered, apart from where in memory. */
export interface Answer {
  readonly verdict: string;
  readonly reason: DropReason | undefined;
  readonly tunnelId: string;
  readonly trafficClass: number;
  readonly more: boolean;
  readonly icmpErrorLength: number;
  /** The octets of the result; empty on a discard. */
  readonly octets: Uint8Array;
  /** The packet after the call: SYN segments may be clamped where they stand. */
  readonly packet: Uint8Array;
}

/**
 * A sender and a receiver whose packets all stand in one kind of memory. Whatever is done to one universe is done to the
 * others; they must answer alike and end in the same state.
 */
export class Universe {
  readonly #frame: Frame;
  readonly #world: World;
  /** What the sender and the receiver answered. */
  readonly #discards: Readonly<Record<'sender' | 'receiver', Map<DropReason, number>>> = {
    sender: new Map(),
    receiver: new Map(),
  };
  /** Fragments that wait, and pieces that were announced and not taken. */
  readonly #held = { sender: 0, receiver: 0 };

  constructor(frame: Frame, provider: CryptoProvider) {
    this.#frame = frame;
    this.#world = createWorld(provider);
  }

  get name(): string {
    return this.#frame.name;
  }

  get sender(): DataPlane {
    return this.#world.sender;
  }

  get receiver(): DataPlane {
    return this.#world.receiver;
  }

  call(entrance: Entrance, octets: Uint8Array, room: number, now: number, outerEcn: number): Answer {
    const placed = this.#frame.place(octets, room);
    const { packet, offset, out, outOffset } = placed;
    const { sender, receiver } = this;
    const { length } = octets;
    if (entrance === 'receiveIcmpError') {
      const verdict = sender.receiveIcmpError(packet, offset, length, now);
      placed.verify();
      return { ...NOTHING, verdict };
    }
    if (entrance === 'protect') {
      return this.#answer('sender', sender.protect(packet, offset, length, out, outOffset, now), placed, octets, room);
    }
    const result =
      entrance === 'open'
        ? receiver.open(packet, offset, length, out, outOffset, now, outerEcn)
        : entrance === 'openIp'
          ? receiver.openIp(packet, offset, length, out, outOffset, now)
          : receiver.receiveClear(packet, offset, length, now);
    return this.#answer('receiver', result, placed, octets, room);
  }

  /** The next piece of the last packet. */
  more(room: number, now: number): Answer {
    const nothing = new Uint8Array(0);
    const placed = this.#frame.place(nothing, room);
    const result = this.sender.protectMore(placed.out, placed.outOffset, now);
    return this.#answer('sender', result, placed, nothing, room);
  }

  /** The ICMP error that the last answer announced, in exactly the room that it needs. */
  takeIcmpError(announced: number): Uint8Array {
    const { out, outOffset, verify } = this.#frame.place(new Uint8Array(0), announced);
    const length = this.sender.takeIcmpError(out, outOffset);
    verify();
    if (length !== announced) throw new Error(`an ICMP error of ${announced} octets was announced, ${length} written`);
    return out.slice(outOffset, outOffset + length);
  }

  /** Counters and everything else that can be seen, after checking that each discard was counted once. */
  state(): string {
    this.#expectCounted('sender');
    this.#expectCounted('receiver');
    const seen = [this.sender, this.receiver].map((plane) => [
      ...[plane.drops(), plane.tunnels(), plane.policies(), plane.associations(), plane.reassembly()],
      ...[plane.icmpErrors(), plane.unprotectedIcmp()],
    ]);
    return JSON.stringify(seen, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  }

  #answer(
    side: 'sender' | 'receiver',
    result: InboundResult | OutboundResult,
    { packet, offset, out, outOffset, verify }: Placed,
    octets: Uint8Array,
    room: number,
  ): Answer {
    verify();
    const { verdict, reason, tunnelId, length } = result;
    if ((verdict === 'discard') !== (reason !== undefined)) throw new Error(`${verdict} with reason ${String(reason)}`);
    if (reason !== undefined) this.#discards[side].set(reason, (this.#discards[side].get(reason) ?? 0) + 1);
    if (verdict === 'held') this.#held[side]++;
    const outbound = 'more' in result ? result : undefined;
    // A bypassed packet is not copied, unless it was put together.
    const copied = verdict !== 'bypass' || outbound?.copied === true;
    if (length > (copied ? room : octets.length)) throw new Error(`${length} octets, where there is room for ${room}`);
    return {
      verdict,
      reason,
      tunnelId,
      trafficClass: outbound?.trafficClass ?? 0,
      more: outbound?.more ?? false,
      icmpErrorLength: outbound?.icmpErrorLength ?? 0,
      octets: copied ? out.slice(outOffset, outOffset + length) : packet.slice(offset, offset + length),
      packet: packet === out ? octets : packet.slice(offset, offset + octets.length),
    };
  }

  #expectCounted(side: 'sender' | 'receiver'): void {
    const plane = this[side];
    let later = 0n;
    for (const { reason, packets } of plane.drops()) {
      const answered = BigInt(this.#discards[side].get(reason) ?? 0);
      // Fragments that were held are given up with their packet, not by an answer of their own.
      const mayFollow = side === 'sender' && /^(fragment|reassembly)_/.test(reason);
      if (mayFollow ? packets < answered : packets !== answered) {
        throw new Error(`${reason} was answered ${answered} times and counted ${packets} times`);
      }
      if (reason !== 'fragment_not_taken') later += packets - answered;
    }
    if (side === 'sender') expectHeldAccounted(plane, this.#held.sender, later);
  }
}

/** Throws unless a universe answered like the first. */
export function expectAlike(what: string, octets: Uint8Array, expected: Answer, actual: Answer, name: string): void {
  const say = (difference: string) => new Error(`${what} of ${toHex(octets)}: in frame "${name}" ${difference}`);
  for (const field of ['verdict', 'reason', 'tunnelId', 'trafficClass', 'more', 'icmpErrorLength'] as const) {
    if (expected[field] !== actual[field]) {
      throw say(`${field} is ${String(actual[field])} instead of ${String(expected[field])}`);
    }
  }
  if (expected.octets.length !== actual.octets.length) throw say(`length is ${actual.octets.length}`);
  const at = expected.octets.findIndex((octet, i) => octet !== actual.octets[i]);
  if (at !== -1) throw say(`octet ${at} differs`);
}

/** A fragment that was held is lost with its packet, became part of it, or waits still. */
function expectHeldAccounted(plane: DataPlane, held: number, lost: bigint): void {
  const { fragments, reassembledPackets, reassembledFragments } = plane.reassembly();
  // The last fragment of a packet was answered for itself.
  const known = lost + BigInt(fragments) + reassembledFragments - reassembledPackets;
  if (known !== BigInt(held)) throw new Error(`${held} fragments were held and ${known} are accounted for`);
}

const NOTHING: Answer = {
  verdict: '',
  reason: undefined,
  tunnelId: '',
  trafficClass: 0,
  more: false,
  icmpErrorLength: 0,
  octets: new Uint8Array(0),
  packet: new Uint8Array(0),
};
