import {
  type CryptoProvider,
  type DataPlane,
  type DropReason,
  type EspTransform,
  type Explanation,
  toHex,
} from '@weft/ipsec-core';
import { FRAMES, type Frame } from './frames.js';
import { type Mutation, mutate } from './mutations.js';
import { expectDelivered, type Sealed } from './oracle.js';
import { type ClearShape, clearPacket } from './packets.js';
import { createRudeTransform, createWorld, LINES, type World } from './world.js';

/** One thing that happens to the fabric of the fuzzer, as plain data. */
export type Step =
  | { readonly do: 'send'; readonly shape: ClearShape; readonly mutations: readonly Mutation[] }
  /** A packet sealed earlier arrives, changed or not, for the first time or again. */
  | { readonly do: 'receive'; readonly pick: number; readonly mutations: readonly Mutation[] }
  | { readonly do: 'rude'; readonly line: number; readonly plain: RudePlaintext }
  | { readonly do: 'noise'; readonly entrance: Entrance; readonly octets: Uint8Array }
  | { readonly do: 'wait'; readonly milliseconds: number; readonly expire: boolean };

export type Entrance = 'protect' | 'open' | 'openIp';

/** What a peer with the right keys seals that it should not: a packet of its choice behind any trailer. */
export interface RudePlaintext {
  readonly shape: ClearShape;
  readonly mutations: readonly Mutation[];
  readonly padding: number;
  readonly padLength: number;
  readonly next: number;
  readonly outerEcn: number;
}

/** What a call answered, apart from where in memory. */
export interface Answer {
  readonly verdict: string;
  readonly reason: DropReason | undefined;
  readonly tunnelId: string;
  readonly trafficClass: number;
  /** The octets of the result; empty on a discard. */
  readonly octets: Uint8Array;
}

/**
 * Gives every step to one engine per frame and holds them to each other and to the oracle: nothing throws, nothing is
 * delivered that was not sealed, or twice; nothing outside the packet counts; each discard has one count; explain
 * foretells protect and changes nothing.
 */
export class Session {
  readonly reached = new Map<DropReason | 'deliver' | 'transmit' | 'bypass' | 'held', number>();
  /** Tunnels that a packet came out of. */
  readonly delivered = new Set<string>();
  calls = 0;
  readonly #universes: readonly Universe[];
  readonly #rude: ReadonlyMap<number, EspTransform>;
  readonly #pool: Sealed[] = [];
  #now = 1;
  #id = 0;
  #rudeSequence = 1000;

  constructor(provider: CryptoProvider, frames: readonly Frame[] = FRAMES) {
    this.#universes = frames.map((frame) => ({
      frame,
      ...createWorld(provider),
      held: { count: 0 },
      discards: [new Map(), new Map()],
    }));
    this.#rude = new Map(
      LINES.flatMap((line) => {
        const transform = createRudeTransform(provider, line);
        return transform === undefined ? [] : [[line.spi, transform] as const];
      }),
    );
  }

  take(step: Step): void {
    if (step.do === 'send') this.#send(step.shape, step.mutations);
    else if (step.do === 'receive') this.#receive(step.pick, step.mutations);
    else if (step.do === 'rude') this.#sealRudely(step.line, step.plain);
    else if (step.do === 'noise') this.#noise(step.entrance, step.octets);
    else this.#wait(step.milliseconds, step.expire);
  }

  /** Counters of every engine: each discard once, under its reason, and the same in every frame. */
  finish(): void {
    for (const side of [0, 1] as const) {
      const [first, ...others] = this.#universes.map((universe) => {
        const plane = side === 0 ? universe.sender : universe.receiver;
        const expected = universe.discards[side];
        let lost = 0n;
        for (const { reason, packets } of plane.drops()) {
          const seen = BigInt(expected.get(reason) ?? 0);
          const mayFollow = /^(fragment|reassembly)_/.test(reason) && side === 0;
          if (mayFollow ? packets < seen : packets !== seen) {
            throw new Error(`${reason} was answered ${seen} times and counted ${packets} times`);
          }
          lost += packets - seen;
        }
        if (side === 0) expectHeldAccounted(plane, universe.held.count, lost);
        return stateOf(plane);
      });
      for (const other of others) if (other !== first) throw new Error(`engines differ:\n${first}\n${other}`);
    }
  }

  #send(shape: ClearShape, mutations: readonly Mutation[]): void {
    const clear = mutate(clearPacket(shape, this.#id++), mutations, false);
    const [answer, explanation] = this.#protect(clear);
    const line = LINES.find(({ tunnelId }) => tunnelId === answer.tunnelId);
    if (answer.verdict !== 'transmit' || line === undefined) return;
    // Transport mode keeps headers in clear: a receiver can vouch for what stands behind them only.
    const kept = line.mode === 'transport' ? (explanation?.overhead?.ipHeader ?? 0) : 0;
    const whole = explanation?.reassembled ?? clear;
    this.#pool.push({ line, wire: answer.octets, clear: whole, kept, delivered: false });
  }

  /** Only the first engine explains: that it stays equal to the others shows that explain changes nothing. */
  #protect(octets: Uint8Array): readonly [Answer, Explanation | undefined] {
    const explanation = this.#universes[0]?.sender.explain(octets, 0, octets.length, this.#now);
    const answer = this.#call('protect', octets, roomFor(octets, explanation));
    if (explanation !== undefined) expectForetold(explanation, answer);
    return [answer, explanation];
  }

  #receive(pick: number, mutations: readonly Mutation[]): void {
    const sealed = this.#pool[pick % this.#pool.length];
    if (sealed === undefined) return;
    const { entrance } = sealed.line;
    this.#open(entrance, mutate(sealed.wire, mutations, entrance === 'open'), sealed);
  }

  #sealRudely(index: number, plain: RudePlaintext): void {
    const line = LINES[index % LINES.length];
    const transform = line === undefined ? undefined : this.#rude.get(line.spi);
    if (line === undefined || transform === undefined || line.entrance !== 'open') return;
    const inner = mutate(clearPacket(plain.shape, this.#id++), plain.mutations, false);
    const plaintext = rudePlaintext(inner, plain, transform.alignment);
    const wire = sealPlaintext(transform, line.spi, this.#rudeSequence++, plaintext);
    this.#open('open', wire, { line, wire, clear: plaintext, kept: 0, delivered: false }, plain.outerEcn);
  }

  #noise(entrance: Entrance, octets: Uint8Array): void {
    if (entrance === 'protect') this.#protect(octets);
    else this.#open(entrance, octets, undefined);
  }

  #wait(milliseconds: number, expire: boolean): void {
    this.#now += milliseconds;
    if (!expire) return;
    const events = this.#universes.map(({ sender, receiver }) =>
      JSON.stringify([sender.expire(this.#now), receiver.expire(this.#now)]),
    );
    if (new Set(events).size > 1) throw new Error('engines expire differently');
  }

  #open(entrance: 'open' | 'openIp', octets: Uint8Array, sealed: Sealed | undefined, outerEcn = 0): void {
    const answer = this.#call(entrance, octets, octets.length, outerEcn);
    if (answer.verdict !== 'deliver') return;
    expectDelivered(answer, sealed);
    this.delivered.add(answer.tunnelId);
  }

  #call(entrance: Entrance, octets: Uint8Array, room: number, outerEcn = 0): Answer {
    this.calls++;
    let first: Answer | undefined;
    for (const universe of this.#universes) {
      const answer = callIn(universe, entrance, octets, room, this.#now, outerEcn);
      first ??= answer;
      const difference = differenceOf(first, answer);
      if (difference !== undefined) {
        throw new Error(`${entrance} of ${toHex(octets)}: in frame "${universe.frame.name}" ${difference}`);
      }
    }
    if (first === undefined) throw new Error('there is no frame');
    const reached = first.reason ?? (first.verdict as 'deliver' | 'transmit' | 'bypass' | 'held');
    this.reached.set(reached, (this.reached.get(reached) ?? 0) + 1);
    return first;
  }
}

type Tally = Map<DropReason, number>;

/** A fragment that was held is lost with its packet, became part of it, or waits still. */
function expectHeldAccounted(plane: DataPlane, held: number, lost: bigint): void {
  const { fragments, reassembledPackets, reassembledFragments } = plane.reassembly();
  // The last fragment of a packet was answered for itself.
  const known = lost + BigInt(fragments) + reassembledFragments - reassembledPackets;
  if (known !== BigInt(held)) throw new Error(`${held} fragments were held and ${known} are accounted for`);
}

interface Universe extends World {
  readonly held: { count: number };
  readonly frame: Frame;
  /** What the sender and the receiver answered. */
  readonly discards: readonly [Tally, Tally];
}

function callIn(
  universe: Universe,
  entrance: Entrance,
  octets: Uint8Array,
  room: number,
  now: number,
  outerEcn: number,
): Answer {
  const { packet, offset, out, outOffset, verify } = universe.frame.place(octets, room);
  const { sender, receiver } = universe;
  const { length } = octets;
  const result =
    entrance === 'protect'
      ? sender.protect(packet, offset, length, out, outOffset, now)
      : entrance === 'open'
        ? receiver.open(packet, offset, length, out, outOffset, now, outerEcn)
        : receiver.openIp(packet, offset, length, out, outOffset, now);
  verify();
  const { verdict, reason, tunnelId, length: written } = result;
  if ((verdict === 'discard') !== (reason !== undefined)) throw new Error(`${verdict} with reason ${String(reason)}`);
  if (written > room) throw new Error(`${written} octets written where there is room for ${room}`);
  if (reason !== undefined) {
    const tally = universe.discards[entrance === 'protect' ? 0 : 1];
    tally.set(reason, (tally.get(reason) ?? 0) + 1);
  }
  if (verdict === 'held') universe.held.count++;
  // A bypassed packet is not copied, unless it was put together.
  const copied = 'copied' in result && result.copied;
  const from = verdict === 'bypass' && !copied ? packet.subarray(offset) : out.subarray(outOffset);
  const trafficClass = 'trafficClass' in result ? result.trafficClass : 0;
  return { verdict, reason, tunnelId, trafficClass, octets: from.slice(0, written) };
}

function differenceOf(expected: Answer, actual: Answer): string | undefined {
  for (const field of ['verdict', 'reason', 'tunnelId', 'trafficClass'] as const) {
    if (expected[field] !== actual[field]) {
      return `${field} is ${String(actual[field])} instead of ${String(expected[field])}`;
    }
  }
  if (expected.octets.length !== actual.octets.length) return `length is ${actual.octets.length}`;
  const at = expected.octets.findIndex((octet, i) => octet !== actual.octets[i]);
  return at === -1 ? undefined : `octet ${at} differs`;
}

/** Exactly what explain announces, so that a write beyond it shows; an SA bundle is not in its account. */
function roomFor(clear: Uint8Array, explanation: Explanation | undefined): number {
  const bundled = explanation?.tunnelId === 'bundle' || explanation?.tunnelId === 'loop';
  return bundled ? clear.length + 4 * ROOM : (explanation?.overhead?.total ?? clear.length + ROOM);
}

function expectForetold(explanation: Explanation, answer: Answer): void {
  // What only doing it shows: whether AH can read every option, and how deep a bundle is.
  if (answer.reason === 'unprotectable_header' || answer.reason === 'bundle_too_deep') return;
  if (explanation.verdict !== answer.verdict || explanation.reason !== answer.reason) {
    const foretold = `${explanation.verdict} ${String(explanation.reason)}`;
    throw new Error(`explain foretold ${foretold}, protect answered ${answer.verdict} ${String(answer.reason)}`);
  }
}

/** A packet, padding and a trailer that may lie about it. */
function rudePlaintext(inner: Uint8Array, { padding, padLength, next }: RudePlaintext, alignment: number): Uint8Array {
  let pad = padding;
  while ((inner.length + pad + 2) % alignment !== 0) pad++;
  if (pad > 255) pad -= alignment;
  const plaintext = new Uint8Array(inner.length + pad + 2);
  plaintext.set(inner);
  for (let i = 0; i < pad; i++) plaintext[inner.length + i] = i + 1;
  // 256 stands for the truth.
  plaintext[inner.length + pad] = padLength === 256 ? pad : padLength;
  plaintext[inner.length + pad + 1] = next;
  return plaintext;
}

function sealPlaintext(transform: EspTransform, spi: number, sequence: number, plaintext: Uint8Array): Uint8Array {
  const start = 8 + transform.ivLength;
  const wire = new Uint8Array(start + plaintext.length + transform.icvLength);
  const view = new DataView(wire.buffer);
  view.setUint32(0, spi);
  view.setUint32(4, sequence);
  wire.set(plaintext, start);
  transform.writeIv(wire, 0, 0);
  transform.seal(wire, 0, wire.length, 0);
  return wire;
}

function stateOf(plane: DataPlane): string {
  const state = [plane.drops(), plane.tunnels(), plane.policies(), plane.associations()];
  return JSON.stringify(state, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

const ROOM = 120;
