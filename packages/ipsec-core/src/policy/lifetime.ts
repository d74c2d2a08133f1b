import { SecurityAssociationError } from '../errors.js';

export type LifetimeStage = 'soft' | 'hard';

/** When an association should be replaced (soft) and when it must not be used any more (hard), RFC 4301 §4.4.2.1. */
export class Lifetime {
  readonly #softAt: number;
  readonly hardAt: number;
  #softReported = false;

  /** Milliseconds of the monotonic clock. Throws SecurityAssociationError unless 0 < soft <= hard. */
  constructor(now: number, softMilliseconds: number, hardMilliseconds: number) {
    if (!(softMilliseconds > 0 && softMilliseconds <= hardMilliseconds)) {
      throw new SecurityAssociationError('LIFETIME', 'Lifetimes are positive, and the soft one is not above the hard.');
    }
    this.#softAt = now + softMilliseconds;
    this.hardAt = now + hardMilliseconds;
  }

  isOver(now: number): boolean {
    return now >= this.hardAt;
  }

  /** What was reached and not reported before. `exhausted`: the sequence numbers are used up, which ends it as well. */
  due(now: number, exhausted: boolean): LifetimeStage | undefined {
    if (exhausted || this.isOver(now)) return 'hard';
    if (this.#softReported || now < this.#softAt) return undefined;
    this.#softReported = true;
    return 'soft';
  }
}
