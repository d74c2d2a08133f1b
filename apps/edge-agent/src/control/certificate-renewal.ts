import type { CurrentIdentity } from '../identity/current-identity.js';
import { createCertificateRequest } from '../identity/key-pair.js';
import { AgentError, messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { CertifiedRenewal } from './renewal-call.js';
import {
  authorityChangePause,
  type CertificateCondition,
  conditionAt,
  renewalPause,
  renewalTime,
} from './renewal-schedule.js';
import { EXPIRED_FIX, explainSessionError, type SessionProblem } from './session-problem.js';
import { isServiceError } from './session-stream.js';

/** What renewal needs from its surroundings; tests bring their own. */
export interface CertificateRenewalParts {
  readonly identity: Pick<CurrentIdentity, 'value' | 'renew'>;
  /** Has a key certified. @param request PKCS #10, DER. Rejects with a ServiceError. */
  readonly request: (request: Uint8Array) => Promise<CertifiedRenewal>;
  readonly log: Log;
  /** Milliseconds since 1970; may jump. */
  readonly wallClock: () => number;
  /** Milliseconds; does not. */
  readonly clock: () => number;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** How the certificate stands, for status and metrics. */
export interface CertificateState {
  readonly condition: CertificateCondition;
  readonly renewalAt: Date;
  /** Since the agent started. */
  readonly renewals: number;
  readonly failures: number;
  /** Why the last attempt failed; undefined when it did not. */
  readonly problem: SessionProblem | undefined;
}

/**
 * Renews the certificate of the edge when two thirds of its life are over, or when another root issues now, with a key made here for it. What fails is tried
 * again, with bounded pauses, for as long as the agent runs: also with a certificate that seems to have expired, as it may be
 * the clock of this machine that is wrong.
 *
 * The wall clock is looked at every half minute and never waited for: it may be set while we wait.
 */
export class CertificateRenewal {
  readonly #parts: CertificateRenewalParts;
  #draw: number;
  #cancel: () => void = () => undefined;
  /** Monotonic time before which nothing is tried. */
  #notBefore = Number.NEGATIVE_INFINITY;
  /** Monotonic time when it is renewed because another root issues now; undefined while none does. */
  #authorityChangeAt: number | undefined;
  /** Attempts in a row that failed. */
  #inARow = 0;
  #renewals = 0;
  #failures = 0;
  #problem: SessionProblem | undefined;
  #said: CertificateCondition | undefined;
  #attempt: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: CertificateRenewalParts) {
    this.#parts = parts;
    this.#draw = parts.random();
  }

  start(): void {
    this.#look();
  }

  /** The controller is there: what failed while it was away is tried now. */
  connected(): void {
    if (this.#stopped) return;
    // What was learned with the Welcome may be that another root issues.
    if (this.#inARow > 0) this.#notBefore = Number.NEGATIVE_INFINITY;
    if (this.#inARow > 0 || !this.#parts.identity.value.underIssuingRoot) this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#attempt;
  }

  get state(): CertificateState {
    return {
      condition: this.#condition(),
      renewalAt: new Date(this.#due()),
      renewals: this.#renewals,
      failures: this.#failures,
      problem: this.#problem,
    };
  }

  #look(): void {
    this.#cancel();
    if (this.#stopped) return;
    const condition = this.#condition();
    this.#tell(condition);
    if (condition === 'renewal_due' || condition === 'expired') this.#try();
    this.#cancel = this.#parts.after(LOOK_INTERVAL_MILLISECONDS, () => this.#look());
  }

  #try(): void {
    if (this.#attempt !== undefined || this.#parts.clock() < this.#notBefore) return;
    this.#attempt = this.#renew().finally(() => {
      this.#attempt = undefined;
    });
  }

  async #renew(): Promise<void> {
    const { identity, request, log, clock, random } = this.#parts;
    const before = identity.value;
    try {
      const key = await createCertificateRequest(before.edgeId);
      const certified = await request(key.certificateSigningRequest);
      await identity.renew({ privateKeyPem: key.privateKeyPem, ...certified });
    } catch (error) {
      this.#inARow++;
      this.#failures++;
      this.#failed(problemOf(error, this.#condition() === 'expired'), renewalPause(before, this.#inARow, random()));
      return;
    }
    this.#renewals++;
    this.#inARow = 0;
    this.#problem = undefined;
    this.#said = undefined;
    this.#draw = random();
    // With a clock that is far ahead of the controller's every certificate is old at once: not one after the other.
    this.#notBefore = clock() + SHORTEST_INTERVAL_MILLISECONDS;
    log.info({ notAfter: identity.value.notAfter.toISOString() }, 'certificate renewed');
  }

  #failed(problem: SessionProblem, pause: number): void {
    const { log, clock, identity } = this.#parts;
    this.#notBefore = clock() + pause;
    // A controller that is away for days is said once.
    if (problem.reason !== this.#problem?.reason) {
      const notAfter = identity.value.notAfter.toISOString();
      log.warn({ ...problem, notAfter, retryMilliseconds: Math.round(pause) }, 'certificate not renewed');
    }
    this.#problem = problem;
  }

  #tell(condition: CertificateCondition): void {
    const before = this.#said;
    if (condition === before) return;
    this.#said = condition;
    const { log, identity } = this.#parts;
    const { notBefore, notAfter } = identity.value;
    if (condition === 'expired') log.error({ notAfter: notAfter.toISOString(), fix: EXPIRED_FIX }, EXPIRED);
    if (condition === 'not_yet_valid') {
      log.error({ notBefore: notBefore.toISOString(), fix: 'set the clock of this machine' }, NOT_YET_VALID);
    }
    // The clock was set: what was said of it last does not hold any more.
    const wasNotValid = before === 'expired' || before === 'not_yet_valid';
    if (wasNotValid && (condition === 'valid' || condition === 'renewal_due')) {
      log.info({ notAfter: notAfter.toISOString() }, VALID_AGAIN);
    }
  }

  #condition(): CertificateCondition {
    return conditionAt(this.#parts.identity.value, this.#due(), this.#parts.wallClock());
  }

  #due(): number {
    const { identity, clock, wallClock } = this.#parts;
    const planned = renewalTime(identity.value, this.#draw);
    if (identity.value.underIssuingRoot) {
      this.#authorityChangeAt = undefined;
      return planned;
    }
    this.#authorityChangeAt ??= clock() + authorityChangePause(identity.value, this.#draw);
    return Math.min(planned, wallClock() + this.#authorityChangeAt - clock());
  }
}

/** What an edge can and cannot do with a certificate that has expired. */
export const EXPIRED =
  'the certificate of this edge has expired: associations that there are go on and are rekeyed, but neither the controller nor a peer that begins anew will take it';
const NOT_YET_VALID = 'the certificate of this edge is not valid yet: nobody will take it';
const VALID_AGAIN = 'the certificate of this edge is valid by the clock of this machine';

function problemOf(error: unknown, expired: boolean): SessionProblem {
  if (isServiceError(error)) return explainSessionError(error, expired);
  if (error instanceof AgentError) return { reason: messageOf(error), fix: error.fix };
  return { reason: messageOf(error), fix: 'update the agent and the controller to matching versions' };
}

const LOOK_INTERVAL_MILLISECONDS = 30_000;
const SHORTEST_INTERVAL_MILLISECONDS = 600_000;
