import { Worker } from 'node:worker_threads';
import { CompilerFailure, type CompilerFailureCode } from './compiler-failure.js';
import type { CompilerAnswers, CompilerJob, CompilerReply, CompilerRequest } from './compiler-job.js';

export interface CompilerThreadOptions {
  /** Jobs that wait for their turn at most; beyond it they fail. */
  readonly maximumWaiting?: number;
  /** After which a job has failed and the thread is replaced. */
  readonly jobTimeoutMilliseconds?: number;
  /** Told of every end of a thread that nobody asked for, with its error where there was one. */
  readonly onThreadEnded?: (error: Error | undefined) => void;
  /** Instead of the compiler's: tests have threads that misbehave. */
  readonly module?: URL;
}

export interface JobOptions {
  /** A job of the same subject that still waits is superseded by this one. */
  readonly subject?: string;
  /** Goes in front of those that are not. */
  readonly urgent?: boolean;
}

/**
 * The compiler in a thread of its own, so that the event loop never waits for it. One job at a time; the others wait in a
 * queue of bounded length. The thread starts with the first job; one that ends under a job is replaced for the next.
 */
export class CompilerThread {
  readonly #options: CompilerThreadOptions;
  readonly #waiting: Task[] = [];
  #worker: Worker | undefined;
  #current: Task | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 0;
  #closed = false;

  constructor(options: CompilerThreadOptions = {}) {
    this.#options = options;
  }

  /** Rejects with CompilerFailure. */
  run<Kind extends CompilerJob['kind']>(
    job: CompilerJob & { readonly kind: Kind },
    { subject, urgent = false }: JobOptions = {},
  ): Promise<CompilerAnswers[Kind]> {
    return new Promise((resolve, reject) => {
      const answered = (answer: CompilerAnswers[CompilerJob['kind']]) => resolve(answer as CompilerAnswers[Kind]);
      const task = { id: this.#nextId++, job, subject, urgent, answered, failed: reject };
      if (this.#closed) return reject(new CompilerFailure('stopped'));
      this.#supersede(subject);
      if (this.#waiting.length >= (this.#options.maximumWaiting ?? MAXIMUM_WAITING)) {
        return reject(new CompilerFailure('queue_full'));
      }
      const place = urgent ? this.#waiting.findIndex((other) => !other.urgent) : -1;
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, task);
      this.#dispatch();
    });
  }

  /** Ends the thread. What is under way or waits fails with `stopped`. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { failed } of this.#waiting.splice(0)) failed(new CompilerFailure('stopped'));
    this.#fail('stopped');
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #supersede(subject: string | undefined): void {
    const place = subject === undefined ? -1 : this.#waiting.findIndex((other) => other.subject === subject);
    const [outdated] = place < 0 ? [] : this.#waiting.splice(place, 1);
    outdated?.failed(new CompilerFailure('superseded'));
  }

  #dispatch(): void {
    if (this.#current !== undefined || this.#closed) return;
    const task = this.#waiting.shift();
    if (task === undefined) return;
    this.#current = task;
    this.#timer = setTimeout(
      () => this.#replace('took_too_long'),
      this.#options.jobTimeoutMilliseconds ?? JOB_TIMEOUT_MILLISECONDS,
    ).unref();
    this.#worker ??= this.#start();
    const request: CompilerRequest = { id: task.id, job: task.job };
    this.#worker.postMessage(request);
  }

  #start(): Worker {
    const { module } = this.#options;
    const worker = new Worker(module ?? new URL('./thread.js', import.meta.url), {
      name: 'compiler',
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MEBIBYTES },
      ...(FROM_SOURCE ? { execArgv: module === undefined ? SOURCE_LOADER : [] } : {}),
    });
    let cause: Error | undefined;
    worker.unref();
    worker.on('message', (reply: CompilerReply) => this.#settle(reply));
    // An answer that cannot be read is no answer.
    worker.on('messageerror', (error) => this.#replace('thread_ended', error));
    worker.on('error', (error: Error) => {
      cause = error;
    });
    worker.once('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#options.onThreadEnded?.(cause);
      this.#fail('thread_ended', cause);
      this.#dispatch();
    });
    return worker;
  }

  #settle(reply: CompilerReply): void {
    const task = this.#current;
    if (task === undefined || task.id !== reply.id) return;
    if (reply.kind === 'failed') {
      const cause = new Error(reply.message);
      if (reply.stack !== undefined) cause.stack = reply.stack;
      this.#fail('compiler_threw', cause);
    } else {
      this.#release();
      task.answered(reply.answer);
    }
    this.#dispatch();
  }

  /** Whatever the thread is doing, it does it for nobody any more. */
  #replace(code: CompilerFailureCode, cause?: Error): void {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate().catch((error: unknown) => this.#options.onThreadEnded?.(asError(error)));
    this.#fail(code, cause);
    this.#dispatch();
  }

  #fail(code: CompilerFailureCode, cause?: Error): void {
    const task = this.#current;
    this.#release();
    task?.failed(new CompilerFailure(code, cause));
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
  }
}

interface Task {
  readonly id: number;
  readonly job: CompilerJob;
  readonly subject: string | undefined;
  readonly urgent: boolean;
  readonly answered: (answer: CompilerAnswers[CompilerJob['kind']]) => void;
  readonly failed: (failure: CompilerFailure) => void;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Run from source, the thread needs the loader of the sources, whatever loader this thread has. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const SOURCE_LOADER = ['--conditions=source', '--import', '@oxc-node/core/register'];

/** Each may hold a whole intent. */
const MAXIMUM_WAITING = 64;
/** The largest fabrics take some seconds on a quiet machine. */
const JOB_TIMEOUT_MILLISECONDS = 120_000;
/** A thread that needs more ends, and the controller does not. */
const MEMORY_MEBIBYTES = 4096;
