import { type TransferListItem, Worker } from 'node:worker_threads';
import type { LifetimeEvent, LivenessNews, PathMessage } from '@weft/ipsec-core';
import type { Endpoint, EventFd } from '@weft/linux-io';
import { IkePassageExit } from './ike-passage.js';
import type { PacketPathReport, WorkerAnswer, WorkerMessage, WorkerRequest, WorkerStart } from './messages.js';
import { DataPlaneError, DataPlaneRefusal } from './plane-error.js';

/** What a worker tells unasked. */
export interface WorkerEvents {
  readonly lifetime: (events: readonly LifetimeEvent[]) => void;
  readonly used?: (inboundSpis: readonly number[]) => void;
  readonly path?: (report: PacketPathReport) => void;
  readonly ike?: (octets: Uint8Array, source: Endpoint, local: Endpoint | undefined) => void;
  readonly unknownSpi: (spi: number, source: Endpoint) => void;
  readonly acquire: (tunnelIds: readonly string[]) => void;
  readonly paths: (messages: readonly PathMessage[]) => void;
  readonly liveness: (news: readonly LivenessNews[]) => void;
  readonly deviceGone: () => void;
}

/** One thread of the packet path, from its start to its end. */
export interface PacketWorker {
  /** Throws DataPlaneRefusal; DataPlaneError `worker_ended` when the thread ends before it answers. */
  request(request: WorkerRequest): Promise<WorkerAnswer>;
  /** Ends the thread, whatever it is doing. */
  terminate(): void;
  /** Resolves when the thread has ended, with the reason: nothing of it runs any more. */
  readonly ended: Promise<string>;
}

/** Starts a thread, which `wakeUp` brings back from its waiting. `module` is what it runs. */
export function startPacketWorker(
  start: Omit<WorkerStart, 'wakeUpFd' | 'ikeBacklog'>,
  wakeUp: EventFd,
  events: WorkerEvents,
  module: URL = WORKER_MODULE,
): PacketWorker {
  return new PacketThread(start, wakeUp, events, module);
}

class PacketThread implements PacketWorker {
  readonly ended: Promise<string>;
  readonly #worker: Worker;
  readonly #wakeUp: EventFd;
  readonly #events: WorkerEvents;
  /** One for each thread: what its predecessor sent and nobody took is not counted against it. */
  readonly #ikePassage = new IkePassageExit();
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #end: DataPlaneError | undefined;

  constructor(start: Omit<WorkerStart, 'wakeUpFd' | 'ikeBacklog'>, wakeUp: EventFd, events: WorkerEvents, module: URL) {
    this.#wakeUp = wakeUp;
    this.#events = events;
    const workerData: WorkerStart = {
      ...start,
      wakeUpFd: this.#wakeUp.fd,
      ikeBacklog: events.ike && this.#ikePassage.backlog,
    };
    this.#worker = new Worker(module, { workerData, name: 'dataplane' });
    this.#worker.on('message', (message: WorkerMessage) => this.#receive(message));
    let cause: unknown;
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => resolve(this.#close(code, cause)));
    });
  }

  request(request: WorkerRequest): Promise<WorkerAnswer> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(new RangeError('too many requests to the worker'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request }, keysOf(request));
      this.#wakeUp.signal();
    });
  }

  terminate(): void {
    void this.#worker.terminate();
  }

  #receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'lifetime':
        this.#events.lifetime(message.events);
        return;
      case 'used':
        this.#events.used?.(message.inboundSpis);
        return;
      case 'path':
        this.#events.path?.(message.report);
        return;
      case 'ike':
        this.#ikePassage.taken();
        this.#events.ike?.(message.octets, message.source, message.local);
        return;
      case 'unknown-spi':
        this.#events.unknownSpi(message.spi, message.source);
        return;
      case 'acquire':
        this.#events.acquire(message.tunnelIds);
        return;
      case 'paths':
        this.#events.paths(message.messages);
        return;
      case 'liveness':
        this.#events.liveness(message.news);
        return;
      case 'device-gone':
        this.#events.deviceGone();
        return;
      default: {
        const waiting = this.#waiting.get(message.id);
        this.#waiting.delete(message.id);
        if (message.kind === 'refused') waiting?.reject(new DataPlaneRefusal(message.refusal));
        else waiting?.resolve(message);
      }
    }
  }

  #close(code: number, cause: unknown): string {
    const reason = `exit code ${code}${cause instanceof Error ? `: ${cause.message}` : ''}`;
    this.#end = new DataPlaneError('worker_ended', `the packet path ended (${reason})`, 'report the log', { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
    return reason;
  }
}

interface Waiting {
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Keying material is moved, not copied: no second copy stays behind in this thread. */
function keysOf(request: WorkerRequest): TransferListItem[] {
  if (request.kind !== 'install') return [];
  return request.associations.map(({ keyingMaterial }) => keyingMaterial.buffer as ArrayBuffer);
}

const WORKER_MODULE = new URL('./worker.js', import.meta.url);
/** The agent asks one thing at a time; more would be a mistake. */
const MAX_WAITING = 64;
