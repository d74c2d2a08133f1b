import type { IkeDropReason, IkeEngine, IkeEvent, IkeInput, IkeOutput, Job, JobResult } from '@weft/ipsec-core/ike';
import { messageOf } from '../platform/agent-error.js';
import type { ChildSaInstaller } from './child-sa-installer.js';
import type { IkeTransport } from './ike-transport.js';

/** What the host is made of; time and timers are here so that tests can own them. */
export interface IkeHostParts {
  readonly engine: IkeEngine;
  readonly transport: IkeTransport;
  readonly children: Pick<ChildSaInstaller, 'install' | 'useOutbound' | 'move' | 'retire' | 'remove'>;
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
}

/** Why the host itself lost something; the engine counts its own. */
export type IkeHostDropReason = 'overloaded' | 'not_sent' | 'too_large' | 'engine_fault';

/**
 * The shell around the IKEv2 engine: everything that happens becomes one input with the time of the one clock, then the
 * outputs are carried out in their order. An answer that tells the peer to use a Child SA leaves only after the packet
 * path has that Child SA, so that no packet meets an SPI that is not there yet.
 */
export class IkeHost {
  readonly #parts: IkeHostParts;
  readonly #outbox: IkeOutput[] = [];
  readonly #drops = new Map<IkeHostDropReason, number>();
  #settling = false;
  #jobs = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAt: number | undefined;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(parts: IkeHostParts) {
    this.#parts = parts;
    parts.transport.onDatagram((local, remote, octets) => this.#datagram({ kind: 'datagram', local, remote, octets }));
  }

  get engine(): IkeEngine {
    return this.#parts.engine;
  }

  /** A command, or news from the packet path. */
  give(input: Exclude<IkeInput, { kind: 'datagram' | 'timeout' | 'job-done' }>): void {
    this.#turn(input);
  }

  /** Datagrams that were lost here or refused by the engine, by reason. */
  drops(): ReadonlyMap<IkeHostDropReason | IkeDropReason, number> {
    return new Map<IkeHostDropReason | IkeDropReason, number>([...this.engine.drops(), ...this.#drops]);
  }

  /** When everything that was asked of the packet path so far is done. */
  settled(): Promise<void> {
    if (!this.#settling && this.#outbox.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Starts nothing any more: no timer, no datagram. Delete the IKE SAs first, and wait, to part in peace. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #datagram(input: Extract<IkeInput, { kind: 'datagram' }>): void {
    if (this.#outbox.length >= MAXIMUM_OUTBOX || this.#jobs >= MAXIMUM_JOBS) this.#drop('overloaded');
    else if (input.octets.length > MAXIMUM_MESSAGE) this.#drop('too_large');
    else this.#turn(input);
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
    this.#flush();
    this.#arm();
  }

  /** Carries out what waits, and stops at the first that takes time; that one calls again when it is done. */
  #flush(): void {
    while (!this.#settling) {
      const output = this.#outbox.shift();
      if (output === undefined) {
        for (const resolve of this.#idle.splice(0)) resolve();
        return;
      }
      const pending = this.#carryOut(output);
      if (pending === undefined) continue;
      this.#settling = true;
      void pending.finally(() => {
        this.#settling = false;
        this.#flush();
      });
    }
  }

  #carryOut(output: IkeOutput): Promise<void> | undefined {
    const { transport, children, onEvent } = this.#parts;
    switch (output.kind) {
      case 'transmit':
        if (!transport.send(output.local, output.remote, output.octets, output.marker)) this.#drop('not_sent');
        return undefined;
      case 'job':
        this.#start(output.id, output.job);
        return undefined;
      case 'event':
        onEvent(output.event);
        return undefined;
      case 'install-child':
        return this.#guard(output.association.inboundSpi, children.install(output));
      case 'move-child':
        return this.#guard(output.association.inboundSpi, children.move(output.association));
      case 'use-outbound':
        return this.#guard(output.inboundSpi, children.useOutbound(output.inboundSpi));
      case 'retire-child':
        return this.#guard(output.inboundSpi, children.retire(output.inboundSpi));
      case 'remove-child':
        return this.#guard(output.inboundSpi, children.remove(output.inboundSpi));
    }
  }

  /** A Child SA that the packet path does not take must not live on at the peer either. */
  async #guard(inboundSpi: number, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#parts.onInstallFailure(inboundSpi, error);
      this.#turn({ kind: 'delete-child', inboundSpi });
    }
  }

  #start(id: number, job: Job): void {
    this.#jobs++;
    void this.#parts
      .runJob(job)
      .catch((error: unknown): JobResult => ({ kind: 'failed', reason: messageOf(error) }))
      .then((result) => {
        this.#jobs--;
        this.#turn({ kind: 'job-done', id, result });
      });
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
      this.#turn({ kind: 'timeout' });
    });
  }

  #drop(reason: IkeHostDropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
  }
}

/** Outputs that wait for the packet path. Beyond it datagrams are dropped, and retransmission brings them again. */
const MAXIMUM_OUTBOX = 4096;
/** Signatures under way at once; a handshake needs two. */
const MAXIMUM_JOBS = 256;
/** Beyond any message that we would reassemble. */
const MAXIMUM_MESSAGE = 65_507;
/** Timers of the host are 32-bit milliseconds; a deadline farther off is looked at again then. */
const LONGEST_WAIT = 2 ** 31 - 1;
