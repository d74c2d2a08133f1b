import { SecurityAssociationError } from '../errors.js';

export type LifetimeStage = 'soft' | 'hard';

/** A missing bound is none. Packets and octets are those of inner packets, in the association's one direction. */
export interface LifetimeParameters {
  readonly softLifetimeMilliseconds: number;
  readonly hardLifetimeMilliseconds: number;
  readonly softPackets?: number;
  readonly hardPackets?: number;
  readonly softBytes?: number;
  readonly hardBytes?: number;
  /** 0 to 0.5: the soft bounds come earlier by a random share up to this, so that associations do not expire together. */
  readonly jitter?: number;
}

/** When an association should be replaced (soft) and when it must not be used any more (hard), RFC 4301 §4.4.2.1. */
export class Lifetime {
  readonly hardAt: number;
  readonly #softAt: number;
  readonly #softPackets: number;
  readonly #softBytes: number;
  readonly #hardPackets: number;
  readonly #hardBytes: number;
  #softReported = false;

  /**
   * `now` in milliseconds of the monotonic clock, `share` in 0..1 a random number, `usageLimit` the packets after
   * which the algorithm's key is worn out. Throws SecurityAssociationError unless 0 < soft <= hard for each bound.
   */
  constructor(now: number, parameters: LifetimeParameters, share: number, usageLimit: number) {
    const { jitter = 0 } = parameters;
    if (!(jitter >= 0 && jitter <= 0.5)) throw new SecurityAssociationError('LIFETIME', 'jitter is 0 to 0.5.');
    const early = 1 - jitter * share;
    const { softLifetimeMilliseconds: soft, hardLifetimeMilliseconds: hard } = parameters;
    this.#softAt = now + checked('milliseconds', soft, hard) * early;
    this.hardAt = now + hard;
    this.#hardPackets = Math.min(parameters.hardPackets ?? usageLimit, usageLimit);
    this.#softPackets = bound('packets', parameters.softPackets, this.#hardPackets) * early;
    this.#hardBytes = parameters.hardBytes ?? Number.POSITIVE_INFINITY;
    this.#softBytes = bound('bytes', parameters.softBytes, this.#hardBytes) * early;
  }

  /** Whether the association must not take one more packet. */
  isOver(now: number, packets: number, bytes: number): boolean {
    return now >= this.hardAt || packets >= this.#hardPackets || bytes >= this.#hardBytes;
  }

  /** What was reached and not reported before. `exhausted`: the sequence numbers are used up, which ends it as well. */
  due(now: number, packets: number, bytes: number, exhausted: boolean): LifetimeStage | undefined {
    if (exhausted || this.isOver(now, packets, bytes)) return 'hard';
    if (this.#softReported) return undefined;
    if (now < this.#softAt && packets < this.#softPackets && bytes < this.#softBytes) return undefined;
    this.#softReported = true;
    return 'soft';
  }
}

/** Without a soft bound of its own, a hard bound is announced when nine tenths are used. */
function bound(unit: string, soft: number | undefined, hard: number): number {
  return soft === undefined ? hard * DEFAULT_SOFT : checked(unit, soft, hard);
}

function checked(unit: string, soft: number, hard: number): number {
  if (soft > 0 && soft <= hard) return soft;
  throw new SecurityAssociationError('LIFETIME', `Lifetimes in ${unit} are positive, the soft one not above the hard.`);
}

const DEFAULT_SOFT = 0.9;
