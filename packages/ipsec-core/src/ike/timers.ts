/** Every timer an IKE SA can have; there is no other. */
export type TimerName = 'retransmit' | 'half-open' | 'liveness' | 'rekey-ike' | 'rekey-child' | 'retry' | 'linger';

/** A table of deadlines in the caller's clock. A timeout that comes too early finds nothing due. */
export class Timers {
  readonly #deadlines = new Map<TimerName, number>();

  set(name: TimerName, deadline: number): void {
    this.#deadlines.set(name, deadline);
  }

  clear(name: TimerName): void {
    this.#deadlines.delete(name);
  }

  next(): number | undefined {
    return this.#deadlines.size === 0 ? undefined : Math.min(...this.#deadlines.values());
  }

  /** Takes the earliest due timer out of the table. */
  take(now: number): TimerName | undefined {
    let found: TimerName | undefined;
    for (const [name, deadline] of this.#deadlines) {
      if (deadline <= now && (found === undefined || deadline < (this.#deadlines.get(found) ?? 0))) found = name;
    }
    if (found !== undefined) this.#deadlines.delete(found);
    return found;
  }
}

/** RFC 7296 section 2.1 leaves the schedule to us: 1, 2, 4, 8, 16, 32 s after the first, then the peer is dead. */
export const RETRANSMIT_FIRST = 1000;
export const RETRANSMIT_LIMIT = 6;
/** A responder's half-open SA that nobody finishes. */
export const HALF_OPEN_LIFETIME = 30_000;
/** After TEMPORARY_FAILURE: wait this long, then try again (section 2.25). */
export const TEMPORARY_FAILURE_RETRY = 2000;
/** A rekeyed or deleted IKE SA stays to answer retransmissions for so long. */
export const LINGER = 70_000;
