import type { KeyExchangeProvider } from '../crypto/ike/key-exchange/key-exchange.js';
import { nobleKeyExchange } from '../crypto/ike/key-exchange/noble.js';
import { type Endpoint, sameAddress } from '../ike/connection.js';
import type { IkeEngine } from '../ike/engine.js';
import { runKeyExchangeJob } from '../ike/key-exchange-job.js';
import type { CredentialJob, IkeEvent, IkeInput, IkeOutput, Job, JobResult } from '../ike/outputs.js';
import { IKE_PORT, NAT_PORT } from '../ike/path.js';
import type { SeededRandom } from './seeded-random.js';
import { type Delivery, type NetworkConditions, SimulatedNetwork } from './simulated-network.js';
import { SimulatedSad } from './simulated-sad.js';

/** One end: an engine, its simulated SAD, what it said. */
export interface PairEnd {
  readonly name: string;
  engine: IkeEngine;
  /** Its first underlay address. */
  readonly address: Uint8Array;
  /** Those that it has now: what goes to another does not arrive. */
  addresses: readonly Uint8Array[];
  readonly sad: SimulatedSad;
  readonly events: IkeEvent[];
  /** What the engine asked for and the host has not done yet: it goes one by one, and the SAD takes its time. */
  readonly outbox: IkeOutput[];
  /** When the SAD is done with the first of them. */
  busyUntil: number | undefined;
  /** Packets that came before the association that they are for. */
  readonly early: Delivery[];
  /** Inbound SPIs of Child SAs on which a packet has come. */
  readonly used: Set<number>;
}

export interface PairOptions {
  readonly left: IkeEngine;
  readonly right: IkeEngine;
  readonly leftAddress: Uint8Array;
  readonly rightAddress: Uint8Array;
  readonly random: SeededRandom;
  readonly conditions?: NetworkConditions;
  /** Milliseconds that the SAD takes for each change; what is sent after it waits. 0 without it. */
  readonly sadDelay?: number;
  /** Signatures and trust decisions. */
  readonly runJob?: (end: string, job: CredentialJob) => JobResult;
  /** Does the jobs of costly methods: the provider that the engines have. */
  readonly keyExchange?: KeyExchangeProvider | undefined;
  /** How long the host takes for a job, milliseconds; 0: done before anything else happens. */
  readonly jobDuration?: () => number;
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
  /** Packets that arrived on an association that the receiver did not have. */
  readonly losses: string[] = [];
  /** Packets that arrived and could be opened. */
  opened = 0;
  /** Packets that went to an address that nobody has, or came from one that their sender has not any more. */
  strayed = 0;
  /** Between two packets of either end, milliseconds; undefined: no traffic. */
  trafficInterval: number | undefined;
  /** What the engines have asked of their hosts. */
  readonly jobs: Job[] = [];
  #nextTraffic = 0;
  /** Under way, by the time when they are done. */
  readonly #jobs: { readonly at: number; readonly finish: () => void }[] = [];
  readonly #options: PairOptions;

  constructor(options: PairOptions) {
    this.#options = options;
    this.network = new SimulatedNetwork(options.random, options.conditions);
    const end = (name: string, engine: IkeEngine, address: Uint8Array): PairEnd => ({
      name,
      engine,
      address,
      addresses: [address],
      sad: new SimulatedSad(),
      events: [],
      outbox: [],
      busyUntil: undefined,
      early: [],
      used: new Set(),
    });
    this.left = end('left', options.left, options.leftAddress);
    this.right = end('right', options.right, options.rightAddress);
  }

  end(name: 'left' | 'right'): PairEnd {
    return name === 'left' ? this.left : this.right;
  }

  /** As if its process had died and come back: nothing of the state of the old engine is left. */
  restart(end: PairEnd, engine: IkeEngine): void {
    end.engine = engine;
    end.outbox.length = 0;
    end.busyUntil = undefined;
  }

  /** The end has these underlay addresses from now on, the preferred one first, and its host tells the engine. */
  readdress(end: PairEnd, connection: string, addresses: readonly Uint8Array[]): void {
    end.addresses = addresses;
    this.give(end, { kind: 'local-addresses', connection, addresses });
  }

  give(end: PairEnd, input: IkeInput): void {
    end.engine.handle(input, this.now);
    this.#drain(end);
  }

  /** Advances to the next delivery or deadline. False when nothing will ever happen again. */
  step(limit = Number.POSITIVE_INFINITY): boolean {
    const traffic = this.trafficInterval === undefined ? undefined : Math.max(this.#nextTraffic, this.now);
    const ends = [this.left, this.right];
    const deadlines = ends.flatMap(({ engine, busyUntil }) => [engine.nextTimeout(), busyUntil]);
    const times = [this.network.next(), ...deadlines, traffic, this.#jobs[0]?.at];
    const next = Math.min(...times.filter((time) => time !== undefined));
    if (!Number.isFinite(next) || next > limit) return false;
    this.now = Math.max(this.now, next);
    for (const end of ends) this.#carryOut(end);
    for (let arrived = this.network.take(this.now); arrived !== undefined; arrived = this.network.take(this.now)) {
      this.#deliver(arrived);
    }
    while ((this.#jobs[0]?.at ?? Number.POSITIVE_INFINITY) <= this.now) this.#jobs.shift()?.finish();
    for (const end of ends) {
      const due = end.engine.nextTimeout();
      if (due !== undefined && due <= this.now) this.give(end, { kind: 'timeout' });
    }
    if (this.trafficInterval !== undefined && this.#nextTraffic <= this.now) {
      this.#nextTraffic = this.now + this.trafficInterval;
      for (const end of ends) this.#sendPackets(end);
    }
    return true;
  }

  runFor(duration: number): void {
    const until = this.now + duration;
    while (this.step(until));
    this.now = until;
  }

  #deliver(delivery: Delivery): void {
    const { from, to, load } = delivery;
    const end = [this.left, this.right].find((candidate) => has(candidate, to.address));
    if (end === undefined) {
      if (load.kind === 'esp') this.strayed++;
      return;
    }
    if (load.kind === 'ike') {
      this.give(end, { kind: 'datagram', local: to, remote: from, octets: load.octets });
    } else if (end.sad.installed.get(load.spi)?.inboundKey === load.key) {
      this.opened++;
      if (end.used.has(load.spi)) return;
      end.used.add(load.spi);
      this.give(end, { kind: 'inbound-used', inboundSpi: load.spi });
    } else if (end.sad.expected.has(load.spi) && !end.sad.installed.has(load.spi)) end.early.push(delivery);
    else this.losses.push(`${this.now} at ${end.name}: a packet with SPI ${load.spi}`);
  }

  /** One packet of each child that has an association to go out on, between the endpoints that it has. */
  #sendPackets(end: PairEnd): void {
    const names = new Set(end.sad.standing().map(({ association }) => association.child));
    for (const name of names) {
      const entry = end.sad.current(name);
      if (entry === undefined) continue;
      const { outboundSpi: spi, localEndpoint, remoteEndpoint, encapsulate: encapsulated } = entry.association;
      if (has(end, localEndpoint.address)) {
        const load = { kind: 'esp', spi, key: entry.outboundKey, encapsulated } as const;
        this.network.send(inUdp(localEndpoint), inUdp(remoteEndpoint), load, this.now);
      } else this.strayed++;
    }
  }

  #drain(end: PairEnd): void {
    for (let output = end.engine.poll(); output !== undefined; output = end.engine.poll()) end.outbox.push(output);
    this.#carryOut(end);
  }

  /** In their order. What changes the SAD is done when its time is over, and the rest waits for it. */
  #carryOut(end: PairEnd): void {
    const { sadDelay = 0 } = this.#options;
    for (let [output] = end.outbox; output !== undefined; [output] = end.outbox) {
      if (sadDelay > 0 && SAD_CHANGES.has(output.kind)) {
        end.busyUntil ??= this.now + sadDelay;
        if (end.busyUntil > this.now) return;
        end.busyUntil = undefined;
      }
      end.outbox.shift();
      this.#perform(end, output);
    }
  }

  #perform(end: PairEnd, output: IkeOutput): void {
    end.sad.apply(output);
    if (output.kind === 'install-child') {
      end.sad.expected.delete(output.association.inboundSpi);
      for (const delivery of end.early.splice(0)) this.#deliver(delivery);
    }
    if (output.kind === 'event') end.events.push(output.event);
    if (output.kind === 'transmit') {
      const octets = this.#options.mutate === undefined ? output.octets : this.#options.mutate(end.name, output.octets);
      if (octets === undefined) return;
      this.sent.push({ at: this.now, from: end.name, octets });
      if (has(end, output.local.address))
        this.network.send(output.local, output.remote, { kind: 'ike', octets }, this.now);
    }
    if (output.kind === 'job') this.#begin(end, output);
  }

  #begin(end: PairEnd, { id, job }: Extract<IkeOutput, { kind: 'job' }>): void {
    const { engine } = end;
    this.jobs.push(job);
    const result = this.#resultOf(end, job);
    const at = this.now + (this.#options.jobDuration?.() ?? 0);
    if (at <= this.now) {
      engine.handle({ kind: 'job-done', id, result }, this.now);
      for (let next = engine.poll(); next !== undefined; next = engine.poll()) end.outbox.push(next);
    } else {
      // A host that was restarted does not wait for the jobs of the old one.
      const finish = () => (end.engine === engine ? this.give(end, { kind: 'job-done', id, result }) : undefined);
      this.#jobs.push({ at, finish });
      this.#jobs.sort((left, right) => left.at - right.at);
    }
  }

  #resultOf({ name }: PairEnd, job: Job): JobResult {
    if (job.kind === 'sign' || job.kind === 'verify') {
      return this.#options.runJob?.(name, job) ?? { kind: 'failed', reason: 'no host' };
    }
    return runKeyExchangeJob(this.#options.keyExchange ?? nobleKeyExchange, this.#options.random.fill, job);
  }
}

function has({ addresses }: PairEnd, address: Uint8Array): boolean {
  return addresses.some((own) => sameAddress(own, address));
}

/** ESP in UDP has the port that IKE floats to; a NAT that has only seen port 500 knows nothing of it. */
function inUdp(endpoint: Endpoint): Endpoint {
  return endpoint.port === IKE_PORT ? { ...endpoint, port: NAT_PORT } : endpoint;
}
const SAD_CHANGES: ReadonlySet<IkeOutput['kind']> = new Set([
  'install-child',
  'use-outbound',
  'retire-child',
  'remove-child',
]);
