import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { KeyExchangeJob, KeyExchangeResult } from '@weft/ipsec-core/ike';
import { type CrossingResult, receiveResult, secretMemory, sendJob } from './messages.js';

export interface KeyExchangeThreadsOptions {
  /** Without it one less than there are processors, at least one and at most four. */
  readonly threads?: number;
  /** Jobs that wait for a thread at most; beyond it they are refused. */
  readonly maximumWaiting?: number;
  /** Of the threads, instead of those of the process: a test runner's are not for a thread of ours. */
  readonly execArgv?: readonly string[];
  /** Runs something later, unless what it returns is called before. */
  readonly after?: (milliseconds: number, run: () => void) => () => void;
  /** Called when the last one has ended that had nothing to do. */
  readonly rested?: () => void;
}

/**
 * Key exchanges that take too long for the thread of the IKE engine, in threads of their own: some milliseconds for ML-KEM,
 * a hundred for the largest MODP groups. Threads start with the first job that needs them, end when there has been none for a
 * while (each has an engine of JavaScript and its memory), and keep no process alive.
 */
export class KeyExchangeThreads {
  readonly #options: KeyExchangeThreadsOptions;
  readonly #limit: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Task[] = [];
  #refused = 0;
  #closed = false;
  /** Until the threads that have nothing to do end. */
  #cancelRest: (() => void) | undefined;

  constructor(options: KeyExchangeThreadsOptions = {}) {
    this.#options = options;
    this.#limit = options.threads ?? Math.max(1, Math.min(MAXIMUM_THREADS, availableParallelism() - 1));
  }

  /** Jobs that were not done because too many waited, or because a thread ended. */
  get refused(): number {
    return this.#refused;
  }

  /** How many there are now. */
  get running(): number {
    return this.#threads.size;
  }

  /** Starts a thread ahead of its first job, which need not wait for it then. */
  start(): void {
    if (this.#closed || this.#threads.size > 0) return;
    this.#start();
    this.#rest();
  }

  /** Never rejects: what cannot be computed here and now is `share-refused` with `not_computed`. */
  run(job: KeyExchangeJob): Promise<KeyExchangeResult> {
    if (this.#closed || this.#waiting.length >= (this.#options.maximumWaiting ?? MAXIMUM_WAITING)) {
      this.#refused++;
      return Promise.resolve(NOT_COMPUTED);
    }
    return new Promise((done) => {
      this.#waiting.push({ job, done });
      this.#dispatch();
    });
  }

  /** Ends the threads. What is under way or waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRest?.();
    for (const { done } of this.#waiting.splice(0)) this.#refuse(done);
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  /** From now on they have this long until the next job. */
  #rest(): void {
    this.#cancelRest?.();
    const { after = afterUnref } = this.#options;
    this.#cancelRest = after(REST_MILLISECONDS, () => {
      for (const thread of this.#threads) {
        if (thread.task !== undefined) continue;
        thread.ending = true;
        void thread.worker.terminate();
      }
    });
  }

  #dispatch(): void {
    this.#rest();
    while (this.#waiting.length > 0) {
      const thread = [...this.#threads].find(({ task, ending }) => task === undefined && !ending) ?? this.#start();
      if (thread === undefined) return;
      const task = this.#waiting.shift();
      if (task === undefined) return;
      thread.task = task;
      const job = sendJob(task.job);
      thread.worker.postMessage(job, secretMemory(job));
    }
  }

  #start(): Thread | undefined {
    if (this.#threads.size >= this.#limit) return undefined;
    const { execArgv } = this.#options;
    const options = execArgv === undefined ? {} : { execArgv: [...execArgv] };
    const worker = new Worker(new URL('./thread.js', import.meta.url), { name: 'key-exchange', ...options });
    const thread: Thread = { worker, task: undefined, ending: false };
    worker.unref();
    worker.on('message', (result: CrossingResult) => {
      const { task } = thread;
      thread.task = undefined;
      this.#dispatch();
      task?.done(receiveResult(result));
    });
    // Told by 'exit', which follows.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      this.#threads.delete(thread);
      if (thread.task !== undefined) this.#refuse(thread.task.done);
      // With another thread, unless they all end as they start.
      if ((thread.task !== undefined || thread.ending) && !this.#closed) this.#dispatch();
      if (thread.ending && this.#threads.size === 0) this.#options.rested?.();
    });
    this.#threads.add(thread);
    return thread;
  }

  #refuse(done: Task['done']): void {
    this.#refused++;
    done(NOT_COMPUTED);
  }
}

interface Task {
  readonly job: KeyExchangeJob;
  readonly done: (result: KeyExchangeResult) => void;
}

interface Thread {
  readonly worker: Worker;
  task: Task | undefined;
  /** It takes no job any more. */
  ending: boolean;
}

function afterUnref(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds).unref();
  return () => clearTimeout(timer);
}

const NOT_COMPUTED = { kind: 'share-refused', code: 'not_computed' } as const;
const MAXIMUM_THREADS = 4;
/** Starting one takes some fifty milliseconds, which the next negotiation waits for. */
const REST_MILLISECONDS = 10_000;
/** One for each IKE SA of a large edge, should all be rekeyed at once. */
const MAXIMUM_WAITING = 8192;
