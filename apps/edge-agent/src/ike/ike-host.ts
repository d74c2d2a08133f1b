import {
  type ChildAssociation,
  Fifo,
  type IkeDropReason,
  type IkeEngine,
  type IkeEvent,
  type IkeInput,
  type IkeOutput,
  type Job,
  type JobResult,
} from '@weft/ipsec-core/ike';
import { messageOf } from '../platform/agent-error.js';
import type { ChildSaInstaller } from './child-sa-installer.js';
import type { IkeTransport } from './ike-transport.js';
import { Outbox } from './outbox.js';

/** What the host is made of; time and timers are here so that tests can own them. */
export interface IkeHostParts {
  readonly engine: IkeEngine;
  readonly transport: IkeTransport;
  readonly children: Pick<ChildSaInstaller, 'expect' | 'install' | 'useOutbound' | 'move' | 'retire' | 'remove'>;
  /** Signatures and trust decisions; never throws, and answers within a bounded time. */
  readonly runJob: (job: Job) => Promise<JobResult>;
  /** Milliseconds of the one monotonic clock. */
  readonly clock: () => number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  readonly onEvent: (event: IkeEvent) => void;
  /** The packet path took back its word: told once per Child SA, which is then deleted. */
  readonly onInstallFailure: (inboundSpi: number, error: unknown) => void;
  /** The engine threw: a mistake of ours, which one datagram must not turn into the end of all tunnels. */
  readonly onFault: (error: unknown) => void;
  /** Runs something in the next turn of the event loop; without it `inNextTurn`. */
  readonly soon?: (run: () => void) => void;
}

/** Why the host itself lost something; the engine counts its own. */
export type IkeHostDropReason = 'overloaded' | 'not_sent' | 'too_large' | 'engine_fault' | 'not_awaited';

/**
 * The shell around the IKEv2 engine: everything that happens becomes one input with the time of the one clock, then the
 * outputs are carried out in their order. An answer that tells the peer to use a Child SA leaves only after the packet
 * path has that Child SA, so that no packet meets an SPI that is not there yet. The event loop belongs to others, too: of
 * each turn the host takes a few milliseconds at most.
 */
export class IkeHost {
  readonly #parts: IkeHostParts;
  /** What this turn of the loop has no time for. */
  readonly #inbox = new Fifo<IkeInput>();
  /** Signatures that wait for a turn: the engine bounds how many there are. */
  readonly #jobs = new Fifo<JobOutput>();
  #turnEndsAt: number | undefined;
  readonly #outbox = new Outbox<IkeOutput>({
    isWork: (output) => isWork(output),
    mayRunBeside: ({ kind }) => kind === 'install-child' || kind === 'expect-child',
    begin: (output) => this.#work(output),
    carryOut: (output) => this.#carryOut(output),
  });
  readonly #drops = new Map<IkeHostDropReason, number>();
  #cancelTimer: (() => void) | undefined;
  #timerAt: number | undefined;
  #stopped = false;

  constructor(parts: IkeHostParts) {
    this.#parts = parts;
    parts.transport.onDatagram((local, remote, octets) => this.#datagram({ kind: 'datagram', local, remote, octets }));
  }

  get engine(): IkeEngine {
    return this.#parts.engine;
  }

  /** A command, or news from the packet path. */
  give(input: Exclude<IkeInput, { kind: 'datagram' | 'timeout' | 'job-done' }>): void {
    this.#accept(input);
  }

  /** Datagrams that were lost here or refused by the engine, by reason. */
  drops(): ReadonlyMap<IkeHostDropReason | IkeDropReason, number> {
    return new Map<IkeHostDropReason | IkeDropReason, number>([...this.engine.drops(), ...this.#drops]);
  }

  /** When everything that was given, and everything that was asked of the packet path for it, is done. */
  async settled(): Promise<void> {
    const { soon = inNextTurn } = this.#parts;
    while (this.#inbox.length + this.#jobs.length > 0 && !this.#stopped)
      await new Promise<void>((resolve) => soon(resolve));
    await this.#outbox.settled();
  }

  /** Starts nothing any more: no timer, no datagram. Delete the IKE SAs first, and wait, to part in peace. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #datagram(input: Extract<IkeInput, { kind: 'datagram' }>): void {
    if (this.#outbox.length >= MAXIMUM_OUTBOX || this.#inbox.length >= MAXIMUM_INBOX) this.#drop('overloaded');
    else if (input.octets.length > MAXIMUM_MESSAGE) this.#drop('too_large');
    else this.#accept(input);
  }

  /** At once, or in its order when the loop has other things to do first. */
  #accept(input: IkeInput): void {
    if (this.#inbox.length > 0 || this.#turnIsOver()) this.#inbox.push(input);
    else this.#turn(input);
  }

  /** Sockets hand over dozens of datagrams in one turn of the loop, and whatever else waits for it would wait for all. */
  #turnIsOver(): boolean {
    return this.#parts.clock() >= this.#endOfTurn();
  }

  /** Begins a turn unless one is under way; another follows it. */
  #endOfTurn(): number {
    const { clock, soon = inNextTurn } = this.#parts;
    if (this.#turnEndsAt === undefined) {
      this.#turnEndsAt = clock() + LONGEST_TURN;
      soon(() => this.#nextTurn());
    }
    return this.#turnEndsAt;
  }

  /** One signature at most: the clock does not see what follows of it when this has returned. */
  #nextTurn(): void {
    this.#turnEndsAt = undefined;
    const job = this.#jobs.shift();
    if (job !== undefined) {
      this.#endOfTurn();
      this.#start(job);
    }
    while (this.#inbox.length > 0 && !this.#turnIsOver()) {
      const input = this.#inbox.shift();
      if (input !== undefined) this.#turn(input);
    }
  }

  #turn(input: IkeInput): void {
    if (this.#stopped) return;
    const { engine, clock, onFault } = this.#parts;
    try {
      engine.handle(input, clock());
    } catch (error) {
      this.#drop('engine_fault');
      onFault(error);
    }
    for (let output = engine.poll(); output !== undefined; output = engine.poll()) this.#outbox.push(output);
    this.#outbox.flush();
    this.#arm();
  }

  /** What is done at once. */
  #carryOut(output: IkeOutput): void {
    const { transport, onEvent } = this.#parts;
    if (output.kind === 'transmit') {
      if (!transport.send(output.local, output.remote, output.octets, output.marker)) this.#drop('not_sent');
    } else if (output.kind === 'job') this.#begin(output);
    else if (output.kind === 'event') onEvent(output.event);
  }

  /** What the packet path does, which takes a while. */
  #work(output: IkeOutput): Promise<void> {
    const { children } = this.#parts;
    switch (output.kind) {
      case 'expect-child':
        // Without it the first packets of a Child SA may be lost, and nothing else: no reason to give the Child SA up.
        return children.expect(output.inboundSpi).catch(() => this.#drop('not_awaited'));
      case 'install-child':
        return this.#guard(output.association.inboundSpi, children.install(output));
      case 'move-child':
        return this.#guard(output.association.inboundSpi, this.#move(output.association));
      case 'use-outbound':
        return this.#guard(output.inboundSpi, children.useOutbound(output.inboundSpi));
      case 'retire-child':
        return this.#guard(output.inboundSpi, children.retire(output.inboundSpi));
      case 'remove-child':
        return this.#guard(output.inboundSpi, children.remove(output.inboundSpi));
      default:
        return Promise.resolve();
    }
  }

  /** What cannot follow its addresses is replaced by one between the new ones, and goes on until then. */
  async #move(association: ChildAssociation): Promise<void> {
    const moved = await this.#parts.children.move(association);
    if (!moved) this.#accept({ kind: 'rekey-child', inboundSpi: association.inboundSpi });
  }

  /** A Child SA that the packet path does not take must not live on at the peer either. */
  async #guard(inboundSpi: number, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#parts.onInstallFailure(inboundSpi, error);
      this.#accept({ kind: 'delete-child', inboundSpi });
    }
  }

  /** Signatures are made in this thread, each some tenths of a millisecond; other threads do the rest. */
  #begin(output: JobOutput): void {
    if (output.job.kind !== 'sign' && output.job.kind !== 'verify') {
      this.#start(output);
      return;
    }
    this.#jobs.push(output);
    this.#endOfTurn();
  }

  #start({ id, job }: JobOutput): void {
    if (this.#stopped) return;
    void this.#parts
      .runJob(job)
      .catch((error: unknown): JobResult => ({ kind: 'failed', reason: messageOf(error) }))
      .then((result) => this.#accept({ kind: 'job-done', id, result }));
  }

  /** One timer for the earliest deadline of all. */
  #arm(): void {
    const { engine, clock, after } = this.#parts;
    const due = engine.nextTimeout();
    if (due === this.#timerAt && this.#cancelTimer !== undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAt = due;
    if (due === undefined) return;
    const wait = Math.min(Math.max(0, Math.ceil(due - clock())), LONGEST_WAIT);
    this.#cancelTimer = after(wait, () => {
      this.#cancelTimer = undefined;
      this.#accept({ kind: 'timeout' });
    });
  }

  #drop(reason: IkeHostDropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }
}

type JobOutput = Extract<IkeOutput, { kind: 'job' }>;

/** Only the packet path can do it, in its own time. */
function isWork({ kind }: IkeOutput): boolean {
  return kind !== 'transmit' && kind !== 'job' && kind !== 'event';
}

/** Outputs that wait for the packet path. Beyond it datagrams are dropped, and retransmission brings them again. */
const MAXIMUM_OUTBOX = 4096;
/** Inputs that wait for a turn of the loop: some hundred milliseconds of work. */
const MAXIMUM_INBOX = 1024;
/** Milliseconds of the loop's time that are taken at a time: a timer of somebody else must not wait for ten. */
const LONGEST_TURN = 2;
/** Beyond any message that we would reassemble. */
const MAXIMUM_MESSAGE = 65_507;
/** Timers of the host are 32-bit milliseconds; a deadline farther off is looked at again then. */
const LONGEST_WAIT = 2 ** 31 - 1;

/**
 * What `setImmediate` runs comes after the datagrams of this turn of the loop, and before its timers have had one: only what that
 * asks for in its turn is of the next one.
 */
function inNextTurn(run: () => void): void {
  setImmediate(() => setImmediate(run));
}
