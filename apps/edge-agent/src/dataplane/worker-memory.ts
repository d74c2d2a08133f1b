import { DROP_REASONS, UNPROTECTED_ICMP_OUTCOMES } from '@weft/ipsec-core';
import { IO_COUNTERS } from './io-counters.js';
import { DESCRIPTORS_OF_PAIRS } from './kept-pairs.js';
import { MAXIMUM_RAW_SOCKETS } from './raw-sockets.js';
import { UNDERLAY_ERROR_REASONS } from './underlay-error-reason.js';

/**
 * What one place of a worker shares with the main thread: the heartbeat, and the counters that belong to no association,
 * tunnel or policy. It outlives the thread, so that the next one goes on counting.
 *
 * The worker writes, the main thread reads without asking. The heartbeat is written with Atomics. A counter is one aligned
 * double: it is written and read as a whole on the machines that we run on (worker-memory.spec.ts tries it), and if it were
 * not, one reading of a figure for people would be wrong.
 */
export class WorkerMemory {
  readonly buffer: SharedArrayBuffer;
  /** Of the engine, by DROP_REASONS. */
  readonly drops: Float64Array;
  /** Around the engine: of IoCounters. */
  readonly io: Float64Array;
  /** What the underlay said about packets of ours, by UNDERLAY_ERROR_REASONS. */
  readonly underlayErrors: Float64Array;
  /** What the engine made of "too big", by UNPROTECTED_ICMP_OUTCOMES. */
  readonly pathMtuMessages: Float64Array;
  /** Raw sockets that the worker has opened: see RawSockets. */
  readonly rawSockets: Int32Array;
  /** What the worker has opened for its rehearsals: see KeptPairs. */
  readonly rehearsal: Int32Array;
  readonly #heartbeat: Int32Array;

  constructor(buffer = new SharedArrayBuffer(OCTETS)) {
    this.buffer = buffer;
    this.drops = new Float64Array(buffer, DROPS, DROP_REASONS.length);
    this.io = new Float64Array(buffer, IO, IO_COUNTERS);
    this.underlayErrors = new Float64Array(buffer, UNDERLAY_ERRORS, UNDERLAY_ERROR_REASONS.length);
    this.pathMtuMessages = new Float64Array(buffer, PATH_MTU_MESSAGES, UNPROTECTED_ICMP_OUTCOMES.length);
    this.rawSockets = new Int32Array(buffer, RAW_SOCKETS, MAXIMUM_RAW_SOCKETS);
    this.rehearsal = new Int32Array(buffer, REHEARSAL, DESCRIPTORS_OF_PAIRS);
    this.#heartbeat = new Int32Array(buffer, 0, 1);
  }

  /** Changes with every turn of the worker's loop; wraps. */
  get heartbeat(): number {
    return Atomics.load(this.#heartbeat, 0);
  }

  beat(): void {
    Atomics.add(this.#heartbeat, 0, 1);
  }
}

/** Behind the heartbeat, whose cache line nothing has that counts packets. */
const RAW_SOCKETS = 16;
const REHEARSAL = RAW_SOCKETS + 4 * MAXIMUM_RAW_SOCKETS;
const DROPS = 64;
const IO = DROPS + 8 * DROP_REASONS.length;
const UNDERLAY_ERRORS = IO + 8 * IO_COUNTERS;
const PATH_MTU_MESSAGES = UNDERLAY_ERRORS + 8 * UNDERLAY_ERROR_REASONS.length;
const OCTETS = PATH_MTU_MESSAGES + 8 * UNPROTECTED_ICMP_OUTCOMES.length;
