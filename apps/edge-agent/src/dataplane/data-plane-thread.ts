import { type TransferListItem, Worker } from 'node:worker_threads';
import type { LifetimeEvent, SecurityAssociationParameters } from '@weft/ipsec-core';
import { type Endpoint, openEventFd, type Tun } from '@weft/linux-io';
import { AgentError } from '../platform/agent-error.js';
import { IkePassageExit } from './ike-passage.js';
import type {
  DataPlaneSnapshot,
  LoadedPolicies,
  OutboundReference,
  PacketPathReport,
  TunnelRemote,
  WorkerMessage,
  WorkerRefusal,
  WorkerRequest,
  WorkerStart,
} from './messages.js';

/** The packet path as the rest of the agent sees it. */
export interface DataPlaneControl {
  /** Throws DataPlaneRefusal when the engine does not take the policies; the old ones then stay. */
  load(policies: LoadedPolicies): Promise<void>;
  unload(): Promise<void>;
  /** All or none. The keying material is moved to the worker: it is gone here afterwards. Throws DataPlaneRefusal. */
  install(associations: readonly SecurityAssociationParameters[], remote?: TunnelRemote): Promise<void>;
  remove(inbound: readonly number[], outbound: readonly OutboundReference[]): Promise<void>;
  /** Sends the packets of a tunnel to this address from now on. */
  redirect(remote: TunnelRemote): Promise<void>;
  snapshot(): Promise<DataPlaneSnapshot>;
}

/** The engine refused a request; nothing was changed. */
export class DataPlaneRefusal extends Error {
  override readonly name = 'DataPlaneRefusal';
  readonly refusal: WorkerRefusal;

  constructor(refusal: WorkerRefusal) {
    super(`${refusal.path}: ${refusal.code}: ${refusal.reason}`);
    this.refusal = refusal;
  }
}

/** The thread is gone, and with it the packet path. */
export class DataPlaneError extends AgentError<'worker_ended'> {
  override readonly name = 'DataPlaneError';
}

/** What the thread tells unasked. */
export interface DataPlaneEvents {
  readonly lifetime: (events: readonly LifetimeEvent[]) => void;
  /** The thread ended without having been stopped: packets no longer flow. */
  readonly died: (error: DataPlaneError) => void;
  /** Told once the underlay is bound, and again when it changes: which of the faster ways are in use. */
  readonly path?: (report: PacketPathReport) => void;
  /** An IKE message came to the port of ESP in UDP; its marker is off. Without this, such messages are dropped. */
  readonly ike?: (octets: Uint8Array, source: Endpoint) => void;
}

/** How the packet path is to work. */
export interface DataPlaneOptions {
  /** Use nothing that this kernel or this Node may lack, even where they have it. The device must be a plain one then. */
  readonly portable?: boolean;
}

/** Starts the thread of the packet path on an open device, and speaks with it. */
export class DataPlaneThread implements DataPlaneControl {
  readonly #worker: Worker;
  readonly #wakeUp = openEventFd();
  readonly #events: DataPlaneEvents;
  readonly #ikePassage = new IkePassageExit();
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #nextId = 1;
  #toldPath = '';
  #failure: DataPlaneError | undefined;
  #stopping = false;

  constructor(tun: Tun, events: DataPlaneEvents, options: DataPlaneOptions = {}) {
    const start: WorkerStart = {
      device: tun.name,
      tunFd: tun.fd,
      tunOffloads: tun.offloads,
      portable: options.portable ?? false,
      wakeUpFd: this.#wakeUp.fd,
      ikeBacklog: events.ike && this.#ikePassage.backlog,
    };
    this.#events = events;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: start, name: 'dataplane' });
    this.#worker.on('message', (message: WorkerMessage) => this.#receive(message));
    let cause: unknown;
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#end(code, cause);
        resolve();
      });
    });
  }

  async load(loaded: LoadedPolicies): Promise<void> {
    await this.#request({ kind: 'load', loaded });
  }

  async unload(): Promise<void> {
    await this.#request({ kind: 'unload' });
  }

  async install(associations: readonly SecurityAssociationParameters[], remote?: TunnelRemote): Promise<void> {
    await this.#request(
      { kind: 'install', associations, remote },
      associations.map(({ keyingMaterial }) => keyingMaterial.buffer as ArrayBuffer),
    );
  }

  async remove(inbound: readonly number[], outbound: readonly OutboundReference[]): Promise<void> {
    await this.#request({ kind: 'remove', inbound, outbound });
  }

  async redirect(remote: TunnelRemote): Promise<void> {
    await this.#request({ kind: 'redirect', remote });
  }

  async snapshot(): Promise<DataPlaneSnapshot> {
    const answer = await this.#request({ kind: 'snapshot' });
    if (answer.kind !== 'snapshot') throw new TypeError(`the worker answered ${answer.kind} for a snapshot`);
    return answer.snapshot;
  }

  /** Ends the thread; packets stop. */
  async stop(): Promise<void> {
    if (this.#failure === undefined && !this.#stopping) {
      this.#stopping = true;
      await this.#request({ kind: 'stop' });
    }
    await this.#ended;
  }

  #request(request: WorkerRequest, transfer: TransferListItem[] = []): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(new RangeError('too many requests to the worker'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request }, transfer);
      this.#wakeUp.signal();
    });
  }

  #receive(message: WorkerMessage): void {
    if (message.kind === 'lifetime') {
      this.#events.lifetime(message.events);
      return;
    }
    if (message.kind === 'path') {
      this.#tellPath(message.report);
      return;
    }
    if (message.kind === 'ike') {
      this.#ikePassage.taken();
      this.#events.ike?.(message.octets, message.source);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'refused') waiting?.reject(new DataPlaneRefusal(message.refusal));
    else waiting?.resolve(message);
  }

  /** Once, and again only when it changes. */
  #tellPath(report: PacketPathReport): void {
    const told = JSON.stringify(report);
    if (told === this.#toldPath) return;
    this.#toldPath = told;
    this.#events.path?.(report);
  }

  #end(code: number, cause: unknown): void {
    this.#failure = new DataPlaneError(
      'worker_ended',
      `the packet path ended (exit code ${code})${cause instanceof Error ? `: ${cause.message}` : ''}`,
      'restart the agent; if it happens again, report the log',
      { cause },
    );
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
    this.#wakeUp.close();
    if (!this.#stopping) this.#events.died(this.#failure);
  }
}

type Answer = Extract<WorkerMessage, { kind: 'done' | 'snapshot' }>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The agent asks one thing at a time, and a status beside it; more would be a mistake. */
const MAX_WAITING = 64;
