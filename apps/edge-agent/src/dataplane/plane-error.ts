import { AgentError } from '../platform/agent-error.js';
import type { WorkerRefusal } from './messages.js';

/** The engine refused a request; nothing was changed. */
export class DataPlaneRefusal extends Error {
  override readonly name = 'DataPlaneRefusal';
  readonly refusal: WorkerRefusal;

  constructor(refusal: WorkerRefusal) {
    super(`${refusal.path}: ${refusal.code}: ${refusal.reason}`);
    this.refusal = refusal;
  }
}

/**
 * `worker_ended`: a thread of the packet path ended, and could not be replaced or was not asked again.
 * `worker_stuck`: a thread does not run and cannot be ended; only the end of the process stops it.
 * `device_gone`: somebody has removed the overlay device; the next start of the agent makes another.
 * `stopped`: the packet path was stopped.
 */
export type DataPlaneErrorCode = 'worker_ended' | 'worker_stuck' | 'device_gone' | 'stopped';

/** The packet path cannot do what it was asked. */
export class DataPlaneError extends AgentError<DataPlaneErrorCode> {
  override readonly name = 'DataPlaneError';
}
