import { type CryptoProvider, type DropReason, type EspTransform, type Explanation, toHex } from '@weft/ipsec-core';
import { FRAMES, type Frame } from './frames.js';
import { type Mutation, mutate } from './mutations.js';
import { expectDelivered, expectIcmpError, type Sealed } from './oracle.js';
import { type ClearShape, clearPacket, tooBigMessage } from './packets.js';
import { type RudePlaintext, rudePlaintext, sealPlaintext } from './rude.js';
import { type Answer, type Entrance, expectAlike, Universe } from './universe.js';
import { createRudeTransform, LINES } from './world.js';

/** One thing that happens to the fabric of the fuzzer, as plain data. */
export type Step =
  | { readonly do: 'send'; readonly shape: ClearShape; readonly mutations: readonly Mutation[] }
  /** A packet sealed earlier arrives, changed or not, for the first time or again. */
  | { readonly do: 'receive'; readonly pick: number; readonly mutations: readonly Mutation[] }
  | { readonly do: 'rude'; readonly line: number; readonly plain: RudePlaintext }
  /** A packet arrives at the receiver that nobody protected. */
  | { readonly do: 'clear'; readonly shape: ClearShape; readonly mutations: readonly Mutation[] }
  /** A router says that a packet sealed earlier was too big. */
  | { readonly do: 'tooBig'; readonly pick: number; readonly mtu: number; readonly mutations: readonly Mutation[] }
  | { readonly do: 'noise'; readonly entrance: Entrance; readonly octets: Uint8Array }
  | { readonly do: 'wait'; readonly milliseconds: number; readonly expire: boolean };

/**
 * Gives every step to one universe per frame and holds them to each other and to the oracle: nothing throws, nothing is
 * delivered that was not sealed, or twice; nothing outside the packet counts; each discard has one count; explain
 * foretells what happens and changes nothing.
 */
export class Session {
  readonly reached = new Map<string, number>();
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
    this.#universes = frames.map((frame) => new Universe(frame, provider));
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
    else if (step.do === 'clear') this.#receiveClear(mutate(clearPacket(step.shape, 0), step.mutations, false));
    else if (step.do === 'tooBig') this.#tooBig(step.pick, step.mtu, step.mutations);
    else if (step.do === 'noise') this.#noise(step.entrance, step.octets);
    else this.#wait(step.milliseconds, step.expire);
  }

  /** Every engine has counted what it answered, and is in the state of every other. */
  finish(): void {
    const [first, ...others] = this.#universes.map((universe) => universe.state());
    for (const other of others) if (other !== first) throw new Error(`engines differ:\n${first}\n${other}`);
  }

  #send(shape: ClearShape, mutations: readonly Mutation[]): void {
    const clear = mutate(clearPacket(shape, this.#id++), mutations, false);
    const [answer, explanation] = this.#protect(clear);
    const line = LINES.find(({ tunnelId }) => tunnelId === answer.tunnelId);
    if (answer.verdict !== 'transmit' || line === undefined) return;
    // Transport mode keeps headers in clear: a receiver can vouch for what stands behind them only.
    const kept = line.mode === 'transport' ? (explanation?.overhead?.ipHeader ?? 0) : 0;
    const whole = explanation?.reassembled ?? answer.packet;
    const seal = ({ octets }: Answer) =>
      this.#pool.push({ line, wire: octets, clear: whole, kept, pieces: line.narrow, delivered: false });
    seal(answer);
    for (let piece = answer; piece.more; ) {
      piece = this.#each('protectMore', clear, (universe) =>
        universe.more((explanation?.reassembled ?? clear).length + ROOM, this.#now),
      );
      if (piece.verdict === 'transmit') seal(piece);
    }
  }

  /** Only the first engine explains: that it stays equal to the others shows that explain changes nothing. */
  #protect(octets: Uint8Array): readonly [Answer, Explanation | undefined] {
    const explanation = this.#universes[0]?.sender.explain(octets, 0, octets.length, this.#now);
    const answer = this.#call('protect', octets, roomFor(octets, explanation));
    if (explanation !== undefined) expectForetold(explanation, answer);
    if (answer.icmpErrorLength > 0) {
      const errors = this.#universes.map((universe) => universe.takeIcmpError(answer.icmpErrorLength));
      for (const error of errors) expectIcmpError(error, octets);
      if (new Set(errors.map(toHex)).size !== 1) throw new Error('engines report differently');
    }
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
    const sealed = { line, wire, clear: plaintext, kept: 0, pieces: false, delivered: false };
    this.#open('open', wire, sealed, plain.outerEcn);
  }

  #receiveClear(octets: Uint8Array): void {
    const explanation = this.#universes[0]?.receiver.explainClear(octets, 0, octets.length, this.#now);
    const answer = this.#call('receiveClear', octets, 0);
    if (answer.verdict === 'deliver') throw new Error(`delivered what nobody sealed: ${toHex(octets)}`);
    if (explanation !== undefined) expectForetold(explanation, answer);
  }

  #tooBig(pick: number, mtu: number, mutations: readonly Mutation[]): void {
    const sealed = this.#pool[pick % this.#pool.length];
    if (sealed === undefined) return;
    this.#call('receiveIcmpError', mutate(tooBigMessage(sealed.wire, mtu), mutations, false), 0);
  }

  #noise(entrance: Entrance, octets: Uint8Array): void {
    if (entrance === 'protect') this.#protect(octets);
    else if (entrance === 'receiveClear') this.#receiveClear(octets);
    else if (entrance === 'receiveIcmpError') this.#call(entrance, octets, 0);
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
    return this.#each(entrance, octets, (universe) => universe.call(entrance, octets, room, this.#now, outerEcn));
  }

  #each(what: string, octets: Uint8Array, call: (universe: Universe) => Answer): Answer {
    let first: Answer | undefined;
    for (const universe of this.#universes) {
      const answer = call(universe);
      first ??= answer;
      expectAlike(what, octets, first, answer, universe.name);
    }
    if (first === undefined) throw new Error('there is no frame');
    const reached: DropReason | string = first.reason ?? first.verdict;
    this.reached.set(reached, (this.reached.get(reached) ?? 0) + 1);
    return first;
  }
}

/** Exactly what explain announces, so that a write beyond it shows; what becomes several packets is not in its account. */
function roomFor(clear: Uint8Array, explanation: Explanation | undefined): number {
  const line = LINES.find(({ tunnelId }) => tunnelId === explanation?.tunnelId);
  const exact = line === undefined || (!line.bundled && !line.narrow);
  const { length } = explanation?.reassembled ?? clear;
  return exact ? (explanation?.overhead?.total ?? length + ROOM) : length + 4 * ROOM;
}

function expectForetold(explanation: Explanation, answer: Answer): void {
  // What only doing it shows: whether AH can read every option, and how deep a bundle is.
  if (answer.reason === 'unprotectable_header' || answer.reason === 'bundle_too_deep') return;
  if (explanation.verdict !== answer.verdict || explanation.reason !== answer.reason) {
    const foretold = `${explanation.verdict} ${String(explanation.reason)}`;
    throw new Error(`explain foretold ${foretold}, the answer was ${answer.verdict} ${String(answer.reason)}`);
  }
}

const ROOM = 120;
