import { expect } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { toHex } from '../../src/bytes/hex.js';
import type { Connection } from '../../src/ike/connection.js';
import { IkeEngine } from '../../src/ike/engine.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import type { IkeEvent, IkeInput, IkeOutput } from '../../src/ike/outputs.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { SimulatedSad } from '../../src/testing/simulated-sad.js';
import { EXCHANGE, nameOf } from '../../src/wire/ike/iana.js';
import { parseMessageHeader } from '../../src/wire/ike/message.js';
import { connection, LEFT, RIGHT, toyKeyExchange } from './fixtures.js';

export type Side = 'left' | 'right';

/**
 * Two engines between which nothing moves by itself: a drawing of messages is carried out line by line, and each message
 * must be the one that is drawn. The lines:
 *
 *   left  rekey-child                                      the host of `left` gives this command
 *   left  --> right  INFORMATIONAL request 2 { D }         the oldest datagram of `left` arrives
 *   left  --x right  INFORMATIONAL request 2 { D }         … is lost
 *   left  ... right  INFORMATIONAL request 2 { D }         … is held back, and arrives with a later line
 *   left  =>> right  INFORMATIONAL request 2 { D }         one that was held back, or that arrived, arrives now (again)
 *   left  waits                                            until its next deadline, with everything it then does
 *
 * Of the payloads N(ESP_TFC_PADDING_NOT_SUPPORTED) is left out, and the list is left out where it does not matter.
 */
export class DrawnPair {
  now = 0;
  readonly left: DrawnEnd;
  readonly right: DrawnEnd;
  readonly #aside: Drawn[] = [];

  /** The IKE SA and the first Child SA stand. */
  constructor(options: DrawnOptions = {}) {
    const { connection: changes, left, right } = options;
    this.left = new DrawnEnd('left', changes?.('left'));
    this.right = new DrawnEnd('right', changes?.('right'));
    this.command('left', 'initiate');
    while (this.#flush(this.left) || this.#flush(this.right));
    this.left.nonces.push(...(left ?? []));
    this.right.nonces.push(...(right ?? []));
  }

  play(drawing: string): void {
    for (const raw of drawing.split('\n')) {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) continue;
      const [side = '', word = '', to = '', ...rest] = line.split(/\s+/);
      const end = this.end(side);
      if (ARROWS.has(word)) this.#message(end, word, this.end(to), rest.join(' '));
      else if (word === 'waits') this.#wait(end);
      else this.command(end.name, word);
    }
    const rest = [this.left, this.right].flatMap((end) => end.outbox.map((drawn) => `${end.name} ${drawn.text}`));
    if (rest.length > 0) throw new Error(`Not drawn: ${rest.join('; ')}`);
  }

  command(side: Side, word: string): void {
    const end = this.end(side);
    const [standing] = end.sad.standing().slice(-1);
    const inboundSpi = (end.sad.current() ?? standing)?.association.inboundSpi ?? 0;
    const named = { connection: 'left-right' };
    const inputs: Readonly<Record<string, IkeInput>> = {
      initiate: { kind: 'initiate', ...named },
      'initiate-child': { kind: 'initiate-child', ...named, child: 'net' },
      'rekey-ike': { kind: 'rekey-ike', ...named },
      'delete-ike': { kind: 'delete-ike', ...named },
      'rekey-child': { kind: 'rekey-child', inboundSpi },
      'delete-child': { kind: 'delete-child', inboundSpi },
    };
    const input = inputs[word];
    if (input === undefined) throw new Error(`No command ${word}.`);
    end.give(input, this.now);
  }

  /** Everything that is still on its way arrives, and every deadline of the next minutes passes. */
  settle(): void {
    const until = this.now + 300_000;
    for (;;) {
      while (this.#flush(this.left) || this.#flush(this.right));
      const next = Math.min(...[this.left, this.right].map(({ engine }) => engine.nextTimeout() ?? until));
      if (next >= until) return;
      this.now = Math.max(this.now, next);
      for (const end of [this.left, this.right]) end.give({ kind: 'timeout' }, this.now);
    }
  }

  end(name: string): DrawnEnd {
    if (name === 'left') return this.left;
    if (name === 'right') return this.right;
    throw new Error(`No end is called ${name}.`);
  }

  #message(from: DrawnEnd, arrow: string, to: DrawnEnd, expected: string): void {
    this.now += 1;
    const drawn =
      arrow === '=>>'
        ? this.#aside.find((other) => other.from === from && matches(other, expected))
        : from.outbox.shift();
    if (drawn === undefined || !matches(drawn, expected)) {
      throw new Error(`Drawn: ${from.name} ${arrow} ${expected}; there is: ${drawn?.text ?? 'nothing'}`);
    }
    if (arrow !== '--x' && arrow !== '=>>') this.#aside.push(drawn);
    if (arrow === '-->' || arrow === '=>>') to.receive(drawn.octets, this.now);
  }

  #wait(end: DrawnEnd): void {
    this.now = Math.max(this.now, end.engine.nextTimeout() ?? this.now);
    end.give({ kind: 'timeout' }, this.now);
  }

  #flush(end: DrawnEnd): boolean {
    const drawn = end.outbox.shift();
    if (drawn === undefined) return false;
    this.now += 1;
    this.end(end.name === 'left' ? 'right' : 'left').receive(drawn.octets, this.now);
    return true;
  }
}

export interface DrawnOptions {
  /** First octets of the nonces that each end draws once the IKE SA stands, in order. */
  readonly left?: readonly number[];
  readonly right?: readonly number[];
  readonly connection?: (side: Side) => Partial<Connection>;
}

/** A datagram, and what it says. */
interface Drawn {
  readonly from: DrawnEnd;
  readonly octets: Uint8Array;
  readonly text: string;
}

export class DrawnEnd {
  readonly name: Side;
  readonly engine: IkeEngine;
  readonly sad = new SimulatedSad();
  readonly events: IkeEvent[] = [];
  readonly outbox: Drawn[] = [];
  readonly nonces: number[] = [];

  constructor(name: Side, changes: Partial<Connection> = {}) {
    const random = seededRandom(name === 'left' ? 1 : 2);
    this.name = name;
    this.engine = new IkeEngine({
      provider: nodeCryptoProvider,
      keyExchange: toyKeyExchange,
      random: (out) => {
        random.fill(out);
        const forced = out.length === NONCE_LENGTH ? this.nonces.shift() : undefined;
        if (forced !== undefined) out[0] = forced;
      },
      connections: [connection(name, changes)],
    });
  }

  give(input: IkeInput, now: number): void {
    this.engine.handle(input, now);
    for (let output = this.engine.poll(); output !== undefined; output = this.engine.poll()) this.#perform(output);
  }

  receive(octets: Uint8Array, now: number): void {
    const [own, other] = this.name === 'left' ? [LEFT, RIGHT] : [RIGHT, LEFT];
    const endpoints = { local: { address: own, port: 500 }, remote: { address: other, port: 500 } };
    this.give({ kind: 'datagram', ...endpoints, octets: octets.slice() }, now);
  }

  #perform(output: IkeOutput): void {
    this.sad.apply(output);
    if (output.kind === 'event') this.events.push(output.event);
    if (output.kind === 'transmit')
      this.outbox.push({ from: this, octets: output.octets, text: this.#describe(output.octets) });
  }

  /** Exchange, message ID, and the payloads as the history of the sender has them. */
  #describe(octets: Uint8Array): string {
    const parsed = parseMessageHeader(octets);
    if (!parsed.ok) return 'malformed';
    const header = parsed.value;
    const exchange = nameOf(EXCHANGE, header.exchange);
    const kind = `${exchange} ${header.response ? 'response' : 'request'}`;
    const spi = [header.initiatorSpi, header.responderSpi].map((octet) => toHex(octet.subarray(0, 4)));
    const entries = this.engine.associations().flatMap(({ lineage }) => explainHistory(lineage.history.entries));
    const entry = entries.find(
      (candidate) =>
        candidate.kind === 'message' &&
        candidate.direction === 'sent' &&
        candidate.exchange === exchange &&
        candidate.response === header.response &&
        candidate.id === header.messageId &&
        spi.includes(candidate.sa),
    );
    const payloads = entry?.kind === 'message' ? entry.payloads : [];
    const shown = payloads.filter((payload) => payload !== 'N(ESP_TFC_PADDING_NOT_SUPPORTED)');
    return `${kind} ${header.messageId} { ${shown.join(' ')}${shown.length > 0 ? ' ' : ''}}`;
  }
}

function matches({ text }: Drawn, expected: string): boolean {
  return expected.includes('{') ? text === expected : text.startsWith(expected);
}

/** What must hold at both ends when everything has come to rest. */
export function settled(pair: DrawnPair, expected: { readonly pairs: number; readonly ikes?: number }): void {
  pair.settle();
  const [left, right] = [pair.left.sad.standing(), pair.right.sad.standing()];
  const mirrored = (entry: (typeof left)[number]) =>
    right.some(
      (other) =>
        other.association.inboundSpi === entry.association.outboundSpi &&
        other.association.outboundSpi === entry.association.inboundSpi &&
        other.inboundKey === entry.outboundKey,
    );
  expect({ left: left.length, right: right.length, mirrored: left.every(mirrored) }).toEqual({
    left: expected.pairs,
    right: expected.pairs,
    mirrored: true,
  });
  for (const { engine, sad } of [pair.left, pair.right]) {
    const states = engine.associations().map((sa) => sa.state.name);
    expect(states).toEqual(Array.from({ length: expected.ikes ?? 1 }, () => 'established'));
    for (const sa of engine.associations()) {
      expect(sa.lineage.idle).toBe(true);
      expect(sa.lineage.children.all.map(({ phase }) => phase)).toEqual(Array.from(left, () => 'live'));
    }
    if (expected.pairs > 0) expect(sad.current()).toBeDefined();
  }
}

export function eventsOf(pair: DrawnPair, side: Side): string[] {
  return pair
    .end(side)
    .events.slice(1)
    .map(({ kind }) => kind);
}

const ARROWS: ReadonlySet<string> = new Set(['-->', '--x', '...', '=>>']);
const NONCE_LENGTH = 32;
