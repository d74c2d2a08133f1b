/** Every timer that one IKE SA can have; there is no other. */
export type IkeSaTimer = 'retransmit' | 'half-open' | 'followup' | 'drained' | 'linger';

/** Every timer that a lineage can have. */
export type LineageTimer =
  | 'liveness'
  | 'rekey-ike'
  | 'child'
  | 'retry-child'
  | 'redundancy'
  | 'keepalive'
  | 'reauthenticate'
  | 'authentication-end'
  | 'hand-over'
  | 'drained'
  | 'nat-policy'
  | 'watch-paths';

/** A table of deadlines in the caller's clock. A timeout that comes too early finds nothing due. */
export class Timers<Name extends string> {
  readonly #deadlines = new Map<Name, number>();
  readonly #changed: (next: number | undefined) => void;

  constructor(changed: (next: number | undefined) => void) {
    this.#changed = changed;
  }

  set(name: Name, deadline: number): void {
    this.#deadlines.set(name, deadline);
    this.#changed(this.next());
  }

  at(name: Name): number | undefined {
    return this.#deadlines.get(name);
  }

  clear(name: Name): void {
    if (this.#deadlines.delete(name)) this.#changed(this.next());
  }

  clearAll(): void {
    this.#deadlines.clear();
    this.#changed(undefined);
  }

  next(): number | undefined {
    let next: number | undefined;
    for (const deadline of this.#deadlines.values()) if (next === undefined || deadline < next) next = deadline;
    return next;
  }

  /** Takes the earliest due timer out of the table. */
  take(now: number): Name | undefined {
    let found: Name | undefined;
    let earliest = now;
    for (const [name, deadline] of this.#deadlines) {
      if (deadline < earliest || (deadline === earliest && found === undefined)) {
        found = name;
        earliest = deadline;
      }
    }
    if (found !== undefined) this.clear(found);
    return found;
  }
}

/** How often a request is repeated, and how long lies between two attempts. */
export interface Patience {
  /** Milliseconds to the first repetition. */
  readonly first: number;
  /** Repetitions that come as soon as the first; after them the pause doubles each time. */
  readonly steady: number;
  readonly limit: number;
  /** Milliseconds at most. */
  readonly longest: number;
}

/** RFC 7296 section 2.1 leaves the schedule to us: 1, 2, 4, 8, 16, 32 s after the first, then the peer is dead. */
export const PATIENCE: Patience = { first: 1000, steady: 0, limit: 6, longest: 64_000 };
/**
 * With MOBIKE it is for the initiator to find a path that works: "responders continue retransmitting IKEv2 requests for at
 * least five minutes before giving up" (RFC 4555 section 3.11).
 */
export const LONG_PATIENCE: Patience = { ...PATIENCE, limit: 9 };
/** Where other addresses of the two ends are left to begin at, an IKE_SA_INIT request that was repeated once is not answered there. */
export const CALLS_AT_ONE_PLACE = 2;
/** So long an initiator goes from one place to the next, as long as it would wait at one. */
export const CALLING_LIMIT = 127_000;
/** After so many repetitions other paths are tried beside the one in use (RFC 4555 section 3.10): 3 s after the first. */
export const PROBE_AFTER = 2;
/** UNEXPECTED_NAT_DETECTED so often in a row, and it is no accident (RFC 4555 section 3.9). */
export const NAT_RETRIES = 5;
/** Nothing authenticates a refusal of IKE_SA_INIT: a better answer may come for so long (section 2.21.1). */
export const REFUSAL_PATIENCE = 3000;
/** A responder's half-open SA that nobody finishes. */
export const HALF_OPEN_LIFETIME = 30_000;
/** RFC 3948 section 4: "a default of 20 seconds". */
export const KEEPALIVE_INTERVAL = 20_000;
/** A replaced or deleted IKE SA stays to answer repetitions: longer than any peer's schedule (strongSwan: 165 s). */
export const LINGER = 180_000;
/** After TEMPORARY_FAILURE (section 2.25): at least so long, at most twice that, so that two ends do not stay in step. */
export const TEMPORARY_FAILURE_RETRY = 2000;
/** "If a peer continues to receive TEMPORARY_FAILURE on the same IKE SA after several minutes": out of step. */
export const TEMPORARY_FAILURE_LIMIT = 240_000;
/** After so many refusals a tenth of a lifetime apart, what the peer does not replace is closed (section 2.8). */
export const REKEY_REFUSALS = 3;
/** Packets that were sent before an SA was replaced still arrive: its inbound half stays so long. */
export const CHILD_LINGER = 5000;
/** A grant whose additional key shares do not come: "5 to 20 seconds" (RFC 9370 section 2.2.4). */
export const FOLLOWUP_LIFETIME = 20_000;
/** A Child SA that the peer replaced and does not delete: the peer has its end of the successor, or is dead. */
export const REPLACED_LIMIT = 180_000;
/**
 * IKE SAs, or Child SAs, that two ends made at once: so long both stay, then one goes. A peer that goes by another rule
 * applies it when the second comes, and has a second attempt at telling so by then.
 */
export const REDUNDANCY_DELAY = 3000;
/** The same where nothing shows that the peer has its end of the one that stays: it is taken for granted after that. */
export const REDUNDANCY_LIMIT = 10_000;
/** Two IKE SAs of which one began so long after the other stood were not begun at once: the younger is meant to replace. */
export const SETTLED = 180_000;
/** A reauthentication that failed or hangs is tried again after once to twice so long. */
export const REAUTHENTICATION_RETRY = 10_000;
/** A peer may ask for a reauthentication "immediately" (RFC 4478 section 3); of one IKE SA not before it is so old. */
export const LEAST_AUTHENTICATION = 5000;
/** Between two looks whether the successor has all Child SAs, and after how many milliseconds that is not waited for. */
export const HAND_OVER_PAUSE = 500;
export const HAND_OVER_LIMIT = 60_000;
/**
 * Between the move of traffic to a successor and the Delete of the old IKE SA, or the answer to it: packets take less, on
 * any usual path.
 */
export const HAND_OVER_DRAIN = 500;
