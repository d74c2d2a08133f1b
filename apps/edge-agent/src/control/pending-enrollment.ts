import { type Identity, parseIdentity } from '../identity/identity.js';
import { loadPendingIdentity } from '../identity/identity-store.js';
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

/**
 * What `weft-edge enroll` has brought beside an identity that is in use. It takes the place of that one when its controller
 * has welcomed it, and not before: a new identity with which nobody is reached costs nothing. The controller ends the
 * certificates of earlier enrollments with that first session, so that the new identity is on the disk before it.
 */
export class PendingEnrollment {
  readonly #parts: PendingEnrollmentParts;
  #said: string | undefined;

  constructor(parts: PendingEnrollmentParts) {
    this.#parts = parts;
  }

  /** @returns whether a new identity has taken over, with which the agent has to begin anew. */
  async attempt(): Promise<boolean> {
    const { state, prove, log } = this.#parts;
    try {
      const stored = await loadPendingIdentity(state);
      if (stored === undefined) return false;
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

  /** With the same reason once. */
  #tell(problem: SessionProblem): void {
    if (problem.reason === this.#said) return;
    this.#said = problem.reason;
    this.#parts.log.warn({ ...problem }, 'the new identity does not work yet: the one before stays in use');
  }
}

function problemOf(error: unknown): SessionProblem {
  if (isServiceError(error)) return explainSessionError(error);
  const fix = error instanceof AgentError ? error.fix : 'enroll again with a new token';
  return { reason: messageOf(error), fix };
}
