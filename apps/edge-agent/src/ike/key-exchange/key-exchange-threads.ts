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
}

/**
 * Key exchanges that take too long for the thread of the IKE engine, in threads of their own: some milliseconds for ML-KEM,
 * a hundred for the largest MODP groups. Threads start with the first job that needs them, and keep no process alive.
 */
export class KeyExchangeThreads {
  readonly #options: KeyExchangeThreadsOptions;
  readonly #limit: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Task[] = [];
  #refused = 0;
  #closed = false;

  constructor(options: KeyExchangeThreadsOptions = {}) {
    this.#options = options;
    this.#limit = options.threads ?? Math.max(1, Math.min(MAXIMUM_THREADS, availableParallelism() - 1));
  }

  /** Jobs that were not done because too many waited, or because a thread ended. */
  get refused(): number {
    return this.#refused;
  }

  /** Starts a thread ahead of its first job, which need not wait for it then. */
  start(): void {
    if (!this.#closed && this.#threads.size === 0) this.#start();
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
    for (const { done } of this.#waiting.splice(0)) this.#refuse(done);
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const thread = [...this.#threads].find(({ task }) => task === undefined) ?? this.#start();
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
    const thread: Thread = { worker, task: undefined };
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
      if (thread.task !== undefined && !this.#closed) this.#dispatch();
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
}

const NOT_COMPUTED = { kind: 'share-refused', code: 'not_computed' } as const;
const MAXIMUM_THREADS = 4;
/** One for each IKE SA of a large edge, should all be rekeyed at once. */
const MAXIMUM_WAITING = 8192;
