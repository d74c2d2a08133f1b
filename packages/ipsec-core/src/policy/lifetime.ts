import type { KeyUsageLimit } from '../crypto/key-usage.js';
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
   * `now` in milliseconds of the monotonic clock, `share` in 0..1 a random number, `usage` what the algorithm's key
   * bears, which no parameter can exceed. Throws SecurityAssociationError unless 0 < soft <= hard for each bound.
   */
  constructor(now: number, parameters: LifetimeParameters, share: number, usage: KeyUsageLimit) {
    const { jitter = 0 } = parameters;
    if (!(jitter >= 0 && jitter <= 0.5)) throw new SecurityAssociationError('LIFETIME', 'jitter is 0 to 0.5.');
    const early = 1 - jitter * share;
    const { softLifetimeMilliseconds: soft, hardLifetimeMilliseconds: hard } = parameters;
    this.#softAt = now + checked('milliseconds', soft, hard) * early;
    this.hardAt = now + hard;
    const packets = bounds('packets', parameters.softPackets, parameters.hardPackets, usage.packets);
    const bytes = bounds('bytes', parameters.softBytes, parameters.hardBytes, usage.octets);
    this.#hardPackets = packets.hard;
    this.#softPackets = packets.soft * early;
    this.#hardBytes = bytes.hard;
    this.#softBytes = bytes.soft * early;
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

/** A hard bound that has no soft one, or is cut by the limit of the key, is announced when nine tenths are used. */
function bounds(unit: string, soft: number | undefined, hard: number | undefined, limit: number) {
  const configured = hard ?? Number.POSITIVE_INFINITY;
  const announced = checked(unit, soft ?? configured, configured);
  const effective = Math.min(configured, limit);
  const latest = soft === undefined || configured > limit ? effective * DEFAULT_SOFT : effective;
  return { soft: Math.min(announced, latest), hard: effective };
}

function checked(unit: string, soft: number, hard: number): number {
  if (soft > 0 && soft <= hard) return soft;
  throw new SecurityAssociationError('LIFETIME', `Lifetimes in ${unit} are positive, the soft one not above the hard.`);
}

const DEFAULT_SOFT = 0.9;
