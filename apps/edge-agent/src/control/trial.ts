/** What the trial of a bundle depends on; tests bring their own. */
export interface TrialParts {
  /** How long the controller may be out of reach after a change; 0: for ever. */
  readonly limitMilliseconds: number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  readonly onConfirmed: () => void;
  readonly onExpired: () => void;
}

/**
 * Whether the controller is still reached with a new bundle. It is when a session is welcomed after the change, when the session
 * that brought it outlives a keepalive that was sent after it, or when the next bundle comes, for that waits for the answer to
 * this one. If nothing of it happens in time, the bundle has cut this edge off.
 *
 * Whoever can keep the controller out of reach gets no more by it than by holding the bundle up in the first place: the
 * one before stays in force.
 */
export class Trial {
  readonly #parts: TrialParts;
  #cancelLimit: (() => void) | undefined;
  #cancelProof: () => void = () => undefined;

  constructor(parts: TrialParts) {
    this.#parts = parts;
  }

  get running(): boolean {
    return this.#cancelLimit !== undefined;
  }

  /** A changed bundle is in force. `inSession`: it came by a session that still stands. */
  begin(inSession: boolean): void {
    const { limitMilliseconds, after, onExpired } = this.#parts;
    this.#end();
    if (limitMilliseconds === 0) {
      this.#parts.onConfirmed();
      return;
    }
    this.#cancelLimit = after(limitMilliseconds, () => {
      this.#end();
      onExpired();
    });
    if (inSession) this.#cancelProof = after(PROOF_MILLISECONDS, () => this.confirm());
  }

  /** The controller has said something that it says only when it has heard of the change, or a session began after it. */
  confirm(): void {
    if (!this.running) return;
    this.#end();
    this.#parts.onConfirmed();
  }

  /** The session that brought the bundle is gone: it proves nothing any more. */
  sessionEnded(): void {
    this.#cancelProof();
  }

  stop(): void {
    this.#end();
  }

  #end(): void {
    this.#cancelLimit?.();
    this.#cancelLimit = undefined;
    this.#cancelProof();
  }
}

/** The keepalive of the session goes out every five seconds and is waited for as long: a broken session is gone by then. */
export const PROOF_MILLISECONDS = 15_000;
