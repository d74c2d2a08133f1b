import type { Endpoint } from '../ike/connection.js';
import type { IkeEngine } from '../ike/engine.js';
import type { IkeEvent, IkeInput, IkeOutput, Job, JobResult } from '../ike/outputs.js';
import type { SeededRandom } from './seeded-random.js';
import { type NetworkConditions, SimulatedNetwork } from './simulated-network.js';
import { SimulatedSad } from './simulated-sad.js';

/** One end: an engine, its simulated SAD, what it said. */
export interface PairEnd {
  readonly name: string;
  readonly engine: IkeEngine;
  readonly address: Uint8Array;
  readonly sad: SimulatedSad;
  readonly events: IkeEvent[];
}

export interface PairOptions {
  readonly left: IkeEngine;
  readonly right: IkeEngine;
  readonly leftAddress: Uint8Array;
  readonly rightAddress: Uint8Array;
  readonly random: SeededRandom;
  readonly conditions?: NetworkConditions;
  readonly runJob?: (end: string, job: Job) => JobResult;
  /** Changes or swallows a datagram: the rude peer. */
  readonly mutate?: (from: string, octets: Uint8Array) => Uint8Array | undefined;
}

/** Two engines in virtual time over a simulated network: hours of protocol in milliseconds. */
export class IkePair {
  readonly left: PairEnd;
  readonly right: PairEnd;
  readonly network: SimulatedNetwork;
  /** Every datagram sent, for diagrams. */
  readonly sent: { readonly at: number; readonly from: string; readonly octets: Uint8Array }[] = [];
  now = 0;
  /** Times at which one end sent through an association that the other did not have. */
  readonly losses: string[] = [];
  readonly #options: PairOptions;

  constructor(options: PairOptions) {
    this.#options = options;
    this.network = new SimulatedNetwork(options.random, options.conditions);
    const end = (name: string, engine: IkeEngine, address: Uint8Array): PairEnd => ({
      name,
      engine,
      address,
      sad: new SimulatedSad(),
      events: [],
    });
    this.left = end('left', options.left, options.leftAddress);
    this.right = end('right', options.right, options.rightAddress);
  }

  give(end: PairEnd, input: IkeInput): void {
    end.engine.handle(input, this.now);
    this.#drain(end);
  }

  /** Advances to the next delivery or deadline. False when nothing will ever happen again. */
  step(limit = Number.POSITIVE_INFINITY): boolean {
    const times = [this.network.next(), this.left.engine.nextTimeout(), this.right.engine.nextTimeout()];
    const next = Math.min(...times.filter((time) => time !== undefined));
    if (!Number.isFinite(next) || next > limit) return false;
    this.now = Math.max(this.now, next);
    for (let arrived = this.network.take(this.now); arrived !== undefined; arrived = this.network.take(this.now)) {
      this.#deliver(arrived.from, arrived.to, arrived.octets);
    }
    for (const end of [this.left, this.right]) {
      const due = end.engine.nextTimeout();
      if (due !== undefined && due <= this.now) this.give(end, { kind: 'timeout' });
    }
    this.#observe();
    return true;
  }

  runFor(duration: number): void {
    const until = this.now + duration;
    while (this.step(until));
    this.now = until;
  }

  #deliver(from: Endpoint, to: Endpoint, octets: Uint8Array): void {
    const end = [this.left, this.right].find((candidate) =>
      candidate.address.every((octet, i) => octet === to.address[i]),
    );
    if (end !== undefined) this.give(end, { kind: 'datagram', local: to, remote: from, octets });
  }

  #drain(end: PairEnd): void {
    for (let output = end.engine.poll(); output !== undefined; output = end.engine.poll()) this.#perform(end, output);
  }

  #perform(end: PairEnd, output: IkeOutput): void {
    end.sad.apply(output);
    if (output.kind === 'event') end.events.push(output.event);
    if (output.kind === 'transmit') {
      const octets = this.#options.mutate === undefined ? output.octets : this.#options.mutate(end.name, output.octets);
      if (octets === undefined) return;
      this.sent.push({ at: this.now, from: end.name, octets });
      this.network.send(output.local, output.remote, octets, this.now);
    }
    if (output.kind === 'job') {
      const result = this.#options.runJob?.(end.name, output.job) ?? { kind: 'failed', reason: 'no host' };
      end.engine.handle({ kind: 'job-done', id: output.id, result }, this.now);
    }
  }

  /** Would a packet that is sent now be accepted? */
  #observe(): void {
    for (const [from, to] of [
      [this.left, this.right],
      [this.right, this.left],
    ] as const) {
      const current = from.sad.current();
      if (current === undefined || to.sad.installed.size === 0) continue;
      if (!to.sad.installed.has(current.association.outboundSpi)) this.losses.push(`${this.now} ${from.name}`);
    }
  }
}
