import { type Identity, parseIdentity } from '../identity/identity.js';
import { IdentityStoreError, loadPendingIdentity } from '../identity/identity-store.js';
import { AgentError, messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { StateDirectory } from '../platform/state-directory.js';
import { takeOver } from './enrollment-takeover.js';
import { explainSessionError, type SessionProblem } from './session-problem.js';
import { isServiceError } from './session-stream.js';

/** What it needs from its surroundings; tests bring their own. */
export interface PendingEnrollmentParts {
  readonly state: StateDirectory;
  /** Opens a session as this edge and ends it with the Welcome. Rejects with why there was none. */
  readonly prove: (identity: Identity) => Promise<void>;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** An identity that waits, for people. */
export interface WaitingIdentity {
  /** Undefined when the file cannot be used. */
  readonly edge: { readonly name: string; readonly id: string } | undefined;
  /** Why it has not taken over; undefined when nothing was tried yet. */
  readonly problem: SessionProblem | undefined;
}

/**
 * What `weft-edge enroll` has brought beside an identity that is in use. It takes the place of that one when its controller
 * has welcomed it, and not before: a new identity with which nobody is reached costs nothing. The controller ends the
 * certificates of earlier enrollments with that first session, so that the new identity is on the disk before it.
 */
export class PendingEnrollment {
  readonly #parts: PendingEnrollmentParts;
  /** Of the last attempt. */
  #problem: SessionProblem | undefined;

  constructor(parts: PendingEnrollmentParts) {
    this.#parts = parts;
  }

  /** @returns whether a new identity has taken over, with which the agent has to begin anew. */
  async attempt(): Promise<boolean> {
    const { state, prove, log } = this.#parts;
    try {
      const stored = await loadPendingIdentity(state);
      if (stored === undefined) {
        this.#problem = undefined;
        return false;
      }
      const identity = parseIdentity(stored);
      await prove(identity);
      await takeOver(state);
      log.info({ edge: identity.edgeName, edgeId: identity.edgeId }, 'the controller has welcomed the new identity');
      return true;
    } catch (error) {
      this.#tell(problemOf(error));
      return false;
    }
  }

  /** Which identity waits; undefined when none does. Nothing is tried by asking. Throws StateError. */
  async waiting(): Promise<WaitingIdentity | undefined> {
    try {
      const stored = await loadPendingIdentity(this.#parts.state);
      return stored && { edge: { name: stored.edgeName, id: stored.edgeId }, problem: this.#problem };
    } catch (error) {
      if (!(error instanceof IdentityStoreError)) throw error;
      return { edge: undefined, problem: problemOf(error) };
    }
  }

  /** With the same reason once. */
  #tell(problem: SessionProblem): void {
    const told = problem.reason === this.#problem?.reason;
    this.#problem = problem;
    if (told) return;
    this.#parts.log.warn({ ...problem }, 'the new identity does not work yet: the one before stays in use');
  }
}

function problemOf(error: unknown): SessionProblem {
  if (isServiceError(error)) return explainSessionError(error);
  const fix = error instanceof AgentError ? error.fix : 'enroll again with a new token';
  return { reason: messageOf(error), fix };
}
