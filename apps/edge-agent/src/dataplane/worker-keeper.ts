import { messageOf } from '../platform/agent-error.js';
import type { PacketWorker } from './packet-worker.js';
import { DataPlaneError } from './plane-error.js';

/** Why a worker is replaced, and when. */
export interface WorkerReplacement {
  /** `stalled`: it did not move for STALL_LIMIT_MILLISECONDS and was ended. */
  readonly kind: 'ended' | 'stalled';
  readonly reason: string;
  /** How many came before the one that is to follow. */
  readonly replacements: number;
  readonly pauseMilliseconds: number;
}

/** What a keeper works with. */
export interface WorkerKeeperParts {
  readonly start: () => PacketWorker;
  /** Tells a new worker all that the one before it had been told. Rejects when it does not take it. */
  readonly prepare: (worker: PacketWorker) => Promise<void>;
  /** Changes as long as the worker moves. */
  readonly heartbeat: () => number;
  /** @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  readonly replacing: (replacement: WorkerReplacement) => void;
  readonly replaced: () => void;
  /** There is no worker, and there will be none. */
  readonly failed: (error: DataPlaneError) => void;
}

/**
 * Keeps one place of the packet path filled. A worker that ends or stalls is replaced after a pause that grows from one to
 * the next, and only when nothing of it runs any more: two workers in one place would both take the packets of one
 * association. Until then nobody reads its queue of the device, so that what is routed there goes nowhere.
 */
export class WorkerKeeper {
  readonly #parts: WorkerKeeperParts;
  #worker: PacketWorker | undefined;
  #ready = new Settlement<PacketWorker>();
  #everReady = false;
  #stopping = false;
  #stalled = false;
  #replacements = 0;
  /** Replacements in a row, none of which lasted. */
  #inARow = 0;
  /** What a worker refused that its predecessor had taken. */
  #refusal: string | undefined;
  readonly #timers = new Map<Timer, () => void>();

  constructor(parts: WorkerKeeperParts) {
    this.#parts = parts;
    this.#begin();
  }

  /** Workers that were replaced so far. */
  get replacements(): number {
    return this.#replacements;
  }

  /** The worker that answers, once there is one. Throws DataPlaneError when there will be none. */
  worker(): Promise<PacketWorker> {
    return this.#ready.promise;
  }

  /** Whether this is the worker that has the place now. */
  isCurrent(worker: PacketWorker): boolean {
    return worker === this.#worker;
  }

  /** Ends the worker for good. @returns false when it cannot be ended: what it uses must stay as it is. */
  async stop(): Promise<boolean> {
    const worker = this.#worker;
    if (this.#stopping) return worker === undefined;
    this.#stopping = true;
    this.#cancelAll();
    this.#ready = this.#ready.renewed();
    this.#ready.reject(new DataPlaneError('stopped', 'the packet path was stopped', 'start the agent again'));
    if (worker === undefined) return true;
    const stuck = this.#limit();
    // A worker that does not take the request is ended the hard way.
    void worker.request({ kind: 'stop' }).catch(() => worker.terminate());
    await Promise.race([worker.ended, stuck]);
    if (this.#worker !== undefined) {
      worker.terminate();
      await Promise.race([worker.ended, this.#limit()]);
    }
    this.#cancelAll();
    return this.#worker === undefined;
  }

  #begin(): void {
    const worker = this.#parts.start();
    this.#worker = worker;
    this.#stalled = false;
    void worker.ended.then((reason) => this.#ended(reason));
    this.#later('start', START_LIMIT_MILLISECONDS, () => this.#giveUp(worker));
    this.#parts.prepare(worker).then(
      () => this.#prepared(worker),
      // When it ended, `ended` tells. When it refused what its predecessor had taken, it is of no use.
      (error: unknown) => {
        if (!this.isCurrent(worker) || isEnd(error)) return;
        this.#refusal = messageOf(error);
        worker.terminate();
      },
    );
  }

  #prepared(worker: PacketWorker): void {
    if (!this.isCurrent(worker) || this.#stopping) return;
    this.#cancelAll();
    this.#later('lasting', LASTING_MILLISECONDS, () => {
      this.#inARow = 0;
    });
    this.#watch(worker, this.#parts.heartbeat(), 0);
    if (this.#everReady) this.#parts.replaced();
    this.#everReady = true;
    this.#ready.resolve(worker);
  }

  /** Looks whether the heart beats, again and again. */
  #watch(worker: PacketWorker, before: number, missed: number): void {
    this.#later('heartbeat', HEARTBEAT_INTERVAL_MILLISECONDS, () => {
      const heartbeat = this.#parts.heartbeat();
      // Counted in looks, not by the clock: a machine that slept has missed nothing.
      const silent = heartbeat === before ? missed + 1 : 0;
      if (silent < STALL_LIMIT_LOOKS) this.#watch(worker, heartbeat, silent);
      else {
        this.#stalled = true;
        this.#giveUp(worker);
      }
    });
  }

  #giveUp(worker: PacketWorker): void {
    this.#cancelAll();
    worker.terminate();
    this.#later('termination', TERMINATION_LIMIT_MILLISECONDS, () =>
      this.#fail(
        new DataPlaneError(
          'worker_stuck',
          'a thread of the packet path does not run and cannot be ended',
          'restart the agent; if it happens again, report the log',
        ),
      ),
    );
  }

  #ended(reason: string): void {
    this.#cancelAll();
    this.#worker = undefined;
    if (this.#stopping) return;
    const why = this.#refusal ?? reason;
    this.#refusal = undefined;
    if (!this.#everReady) {
      const fix = 'read the reason; if it is none of this machine, report the log';
      this.#fail(new DataPlaneError('worker_ended', `the packet path did not start (${why})`, fix));
      return;
    }
    this.#ready = this.#ready.renewed();
    const pauseMilliseconds = restartPause(this.#inARow);
    this.#inARow++;
    this.#replacements++;
    const kind = this.#stalled ? 'stalled' : 'ended';
    this.#parts.replacing({ kind, reason: why, replacements: this.#replacements, pauseMilliseconds });
    this.#later('pause', pauseMilliseconds, () => this.#begin());
  }

  #fail(error: DataPlaneError): void {
    this.#cancelAll();
    this.#stopping = true;
    this.#ready = this.#ready.renewed();
    this.#ready.reject(error);
    this.#parts.failed(error);
  }

  #limit(): Promise<void> {
    return new Promise((resolve) => this.#later('termination', TERMINATION_LIMIT_MILLISECONDS, resolve));
  }

  #later(timer: Timer, milliseconds: number, run: () => void): void {
    this.#timers.get(timer)?.();
    this.#timers.set(timer, this.#parts.after(milliseconds, run));
  }

  #cancelAll(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}

/** Until it is ready; until it has lasted; until the next look; until it must have ended; until the next one starts. */
type Timer = 'start' | 'lasting' | 'heartbeat' | 'termination' | 'pause';

function isEnd(error: unknown): boolean {
  return error instanceof DataPlaneError && error.code === 'worker_ended';
}

/** Milliseconds before the next start, after so many in a row that did not last. */
export function restartPause(inARow: number): number {
  return Math.min(LONGEST_PAUSE_MILLISECONDS, FIRST_PAUSE_MILLISECONDS * 2 ** Math.min(inARow, 30));
}

/** A promise to be settled once, by whoever holds this. */
class Settlement<T> {
  readonly promise: Promise<T>;
  #settled = false;
  #resolve: (value: T) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever waits hears of it; that nobody does is no fault.
    this.promise.catch(() => undefined);
  }

  resolve(value: T): void {
    this.#settled = true;
    this.#resolve(value);
  }

  reject(error: Error): void {
    this.#settled = true;
    this.#reject(error);
  }

  /** One that is not settled: this one unless it is, so that those who wait go on waiting. */
  renewed(): Settlement<T> {
    return this.#settled ? new Settlement() : this;
  }
}

/** A thread that has not taken what it is to work with by then is ended: a module to load, keys to expand. */
export const START_LIMIT_MILLISECONDS = 60_000;
/** A worker comes round at least four times a second. */
export const HEARTBEAT_INTERVAL_MILLISECONDS = 500;
const STALL_LIMIT_LOOKS = 10;
/** So long does a worker not move before it is ended. The longest honest pause is that of a large bundle being installed. */
export const STALL_LIMIT_MILLISECONDS = STALL_LIMIT_LOOKS * HEARTBEAT_INTERVAL_MILLISECONDS;
/** A thread that does not end by then is in a system call that never returns, and only the end of the process ends it. */
export const TERMINATION_LIMIT_MILLISECONDS = 5_000;
/** A worker that lived so long did last: the next pause is a short one again. */
export const LASTING_MILLISECONDS = 60_000;
const FIRST_PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 10_000;
