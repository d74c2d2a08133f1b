import type { PathProbe } from '../wire/path-probe.js';

/** The states of RFC 8899 section 5.2. */
export const PATH_MTU_SEARCH_STATES = ['disabled', 'base', 'searching', 'search_complete', 'error'] as const;

export type PathMtuSearchState = (typeof PATH_MTU_SEARCH_STATES)[number];

/** The bounds of a search, in octets of whole IP packets (RFC 8899 section 5.1.2). */
export interface PathMtuSearchBounds {
  /** Tried when not even BASE_PLPMTU arrives; nothing smaller is. */
  readonly minPlpmtu: number;
  /** Expected to arrive nearly everywhere. */
  readonly basePlpmtu: number;
  /** What the first hop carries: nothing larger is probed. */
  readonly maxPlpmtu: number;
}

/**
 * Datagram packetization layer path MTU discovery (RFC 8899) for one direction of one path: which size to probe when, and
 * what follows from the answers. No IO and no clock: `now` is milliseconds of one monotonic clock.
 *
 * Only answers change the PLPMTU, and every value it takes is a size whose arrival was answered. It is not even lowered
 * because answers are missing, as in the RFC's figure 5: it is lowered when the size in use goes unanswered MAX_PROBES times
 * while a smaller one, sent in between, is answered. When nothing is answered the path is down and not narrow, and to tell
 * hosts behind the tunnel a smaller size, which they remember for minutes, would help nobody. Until the first search is
 * decided there is no PLPMTU, and what was configured holds: the first packets are not sent at BASE_PLPMTU, for the same
 * reason. What ICMP says ("PTB", section 4.6) makes the search ask sooner, and is not believed.
 */
export class PathMtuSearch {
  readonly #bounds: PathMtuSearchBounds;
  #state: PathMtuSearchState = 'base';
  #plpmtu: number | undefined;
  /** Whether some probe was ever answered: what the peer does not know it discards (RFC 4303 section 2.6). */
  #peerAnswers = false;
  /** The largest size that was answered since the search began, and the smallest that failed, or more than the largest. */
  #floor = 0;
  #ceiling = 0;
  #floorAnsweredAt = 0;
  /** Whether the PLPMTU follows the floor, or waits for what becomes of MAX_PLPMTU. */
  #follows = false;
  #attempt: Attempt | undefined;
  /** The largest size that was answered while the one in use was not. */
  #lesser = 0;
  /** A size to be sent once beside the attempt, and when. */
  #beside = 0;
  #besideAt = 0;
  #hintedAt = Number.NEGATIVE_INFINITY;
  /** Probes that may still be answered. */
  readonly #sent = new Map<number, number>();
  #nextToken: number;
  #nextAt = 0;
  #errorSince = 0;
  #pause = FIRST_DISABLED_PAUSE;
  #searchCompleteAt = 0;
  #idleSince = 0;
  #blackHoles = 0;

  /** `firstToken`: any 32-bit number that a predecessor has probably not used. */
  constructor(bounds: PathMtuSearchBounds, firstToken: number) {
    this.#bounds = bounds;
    this.#nextToken = firstToken >>> 0;
  }

  get state(): PathMtuSearchState {
    return this.#state;
  }

  /** Octets of the largest packet that is known to arrive; undefined when nothing is known. */
  get plpmtu(): number | undefined {
    return this.#plpmtu;
  }

  /** How often the size in use ceased to arrive. */
  get blackHoles(): number {
    return this.#blackHoles;
  }

  /** When `poll` may have something to send; before that it has nothing, unless something happens. */
  get pollAt(): number {
    const next = this.#attempt?.expiresAt ?? this.#nextAt;
    return this.#beside > 0 ? Math.min(this.#besideAt, next) : next;
  }

  /**
   * The next probe, to be sent at once; call it until there is none. `used`: whether packets were sent since the last call
   * that said so ("MAY inhibit sending probe packets when no application data has been sent", section 5.1.1); `fit`: the
   * largest size up to the given one that a packet can have.
   */
  poll(now: number, used: boolean, fit: (size: number) => number): PathProbe | undefined {
    if (this.#beside > 0 && now >= this.#besideAt) return this.#sendBeside(fit);
    const attempt = this.#attempt;
    if (attempt !== undefined) {
      if (now < attempt.expiresAt) return undefined;
      attempt.count++;
      if (attempt.count < MAX_PROBES) return this.#again(attempt, now);
      this.#attempt = undefined;
      this.#failed(attempt, now);
    }
    if (now < this.#nextAt) return undefined;
    return this.#next(now, used, fit);
  }

  /** An authentic answer. @returns false when no such probe is known: nothing has changed then. */
  acknowledge({ token, size }: PathProbe, now: number): boolean {
    if (this.#sent.get(token) !== size) return false;
    this.#sent.delete(token);
    this.#peerAnswers = true;
    this.#pause = FIRST_DISABLED_PAUSE;
    if (this.#attempt?.purpose === 'confirm' && size < this.#attempt.size) {
      this.#lesser = Math.max(this.#lesser, size);
      return true;
    }
    if (size >= this.#floor) {
      this.#floor = size;
      this.#floorAnsweredAt = now;
    }
    if (size >= this.#ceiling) this.#ceiling = this.#bounds.maxPlpmtu + 1;
    const answered = this.#attempt !== undefined && size >= this.#attempt.size;
    if (answered) {
      this.#attempt = undefined;
      this.#nextAt = now;
      this.#beside = 0;
    }
    if (this.#state !== 'searching' && this.#state !== 'search_complete') this.#beginSearch(now);
    if (this.#follows) this.#plpmtu = this.#floor;
    return true;
  }

  /** The system itself did not send this probe, which is larger than the first hop carries: no doubt about that. */
  refuse({ token, size }: PathProbe, now: number): void {
    if (this.#sent.get(token) !== size) return;
    this.#sent.delete(token);
    const attempt = this.#attempt;
    // Where BASE_PLPMTU itself is too large, its timer goes on, and brings MIN_PLPMTU.
    if (attempt?.size !== size || this.#state === 'base') return;
    this.#attempt = undefined;
    if (attempt.purpose === 'search') this.#failed(attempt, now);
    else this.#enter('base', now);
  }

  /**
   * Somebody says that the path carries no more than `size`, which anybody can say: the size in use is asked for at once,
   * and the one that was told too.
   */
  hint(size: number, now: number): void {
    const known = this.#plpmtu ?? this.#ceiling;
    if (!this.#peerAnswers || now < this.#hintedAt + PROBE_TIMER || !(size < known)) return;
    this.#hintedAt = now;
    if (this.#state === 'search_complete' && this.#attempt === undefined) {
      this.#nextAt = now;
      this.#floorAnsweredAt = Number.NEGATIVE_INFINITY;
    }
    if (size >= this.#bounds.minPlpmtu) this.#addBeside(Math.min(size, this.#bounds.maxPlpmtu), now);
  }

  /** The peer is reached by another path from now on: nothing is known of it but that the peer answers. */
  restart(): void {
    this.#plpmtu = undefined;
    this.#sent.clear();
    this.#enter('base', 0);
  }

  #next(now: number, used: boolean, fit: (size: number) => number): PathProbe | undefined {
    const { minPlpmtu, basePlpmtu, maxPlpmtu } = this.#bounds;
    switch (this.#state) {
      case 'disabled':
        this.#enter('base', now);
        return this.#try('search', fit(Math.min(basePlpmtu, maxPlpmtu)), now);
      case 'base':
        return this.#try('search', fit(Math.min(basePlpmtu, maxPlpmtu)), now);
      case 'error': {
        if (now >= this.#errorSince + ERROR_LIMIT) {
          this.#giveUp(now);
          return undefined;
        }
        this.#nextAt = now + PROBE_TIMER;
        if (minPlpmtu < basePlpmtu) this.#addBeside(minPlpmtu, now);
        return this.#send(fit(Math.min(basePlpmtu, maxPlpmtu)));
      }
      case 'searching': {
        if (this.#follows && now >= this.#floorAnsweredAt + CONFIRMATION_TIMER) return this.#confirm(now, fit);
        const candidate = this.#candidate(fit);
        if (candidate !== undefined) return this.#try('search', candidate, now);
        this.#complete(now);
        return undefined;
      }
      case 'search_complete':
        return this.#maintain(now, used, fit);
    }
  }

  /** SEARCH_COMPLETE: confirms what is in use while it is in use, and looks for more after PMTU_RAISE_TIMER. */
  #maintain(now: number, used: boolean, fit: (size: number) => number): PathProbe | undefined {
    this.#nextAt = now + PROBE_TIMER;
    const asked = this.#floorAnsweredAt === Number.NEGATIVE_INFINITY;
    if (used) this.#idleSince = now;
    else if (!asked && now > this.#idleSince + CONFIRMATION_TIMER) return undefined;
    if (now >= this.#searchCompleteAt + PMTU_RAISE_TIMER && this.#floor < fit(this.#bounds.maxPlpmtu)) {
      this.#ceiling = this.#bounds.maxPlpmtu + 1;
      this.#enter('searching', now);
      this.#follows = true;
      return this.#next(now, used, fit);
    }
    if (now < this.#floorAnsweredAt + CONFIRMATION_TIMER) return undefined;
    return this.#confirm(now, fit);
  }

  #confirm(now: number, fit: (size: number) => number): PathProbe {
    this.#lesser = 0;
    return this.#try('confirm', fit(this.#floor), now);
  }

  /** MAX_PLPMTU first, for that is what most paths carry; then by halves. Undefined: nothing is left between. */
  #candidate(fit: (size: number) => number): number | undefined {
    const { maxPlpmtu } = this.#bounds;
    const largest = fit(Math.min(this.#ceiling - 1, maxPlpmtu));
    if (largest <= this.#floor) return undefined;
    if (this.#ceiling > maxPlpmtu) return largest;
    const middle = fit(this.#floor + Math.ceil((this.#ceiling - this.#floor) / 2));
    return middle > this.#floor && middle < this.#ceiling ? middle : largest;
  }

  #try(purpose: Attempt['purpose'], size: number, now: number): PathProbe {
    this.#attempt = { purpose, size, count: 0, expiresAt: now + PROBE_TIMER };
    return this.#send(size);
  }

  #again(attempt: Attempt, now: number): PathProbe {
    attempt.expiresAt = now + PROBE_TIMER;
    if (attempt.purpose === 'confirm' || this.#state === 'base') {
      const { minPlpmtu, basePlpmtu } = this.#bounds;
      const smaller = attempt.size > basePlpmtu ? basePlpmtu : minPlpmtu;
      if (smaller < attempt.size) this.#addBeside(smaller, now);
    }
    return this.#send(attempt.size);
  }

  /** Half a PROBE_TIMER later: "the interval between probe packets MUST be at least one RTT" (section 3, item 7). */
  #addBeside(size: number, now: number): void {
    this.#beside = size;
    this.#besideAt = now + PROBE_TIMER / 2;
  }

  #sendBeside(fit: (size: number) => number): PathProbe {
    const size = fit(this.#beside);
    this.#beside = 0;
    return this.#send(size);
  }

  #send(size: number): PathProbe {
    const token = this.#nextToken;
    this.#nextToken = (token + 1) >>> 0;
    this.#sent.set(token, size);
    if (this.#sent.size > MAXIMUM_SENT) {
      const [oldest = token] = this.#sent.keys();
      this.#sent.delete(oldest);
    }
    return { token, size };
  }

  /** MAX_PROBES of this size went unanswered. */
  #failed({ purpose, size }: Attempt, now: number): void {
    this.#nextAt = now;
    if (this.#state === 'base') {
      if (this.#peerAnswers) this.#enterError(now);
      else this.#disable(now);
      return;
    }
    if (purpose === 'search') {
      this.#ceiling = size;
      this.#decide();
      return;
    }
    if (this.#lesser > 0) this.#blackHole(now);
    else this.#enterError(now);
  }

  /** The size in use does not arrive, a smaller one does (section 4.3). */
  #blackHole(now: number): void {
    this.#blackHoles++;
    this.#floor = this.#lesser;
    this.#floorAnsweredAt = now;
    this.#ceiling = this.#bounds.maxPlpmtu + 1;
    this.#enter('searching', now);
    this.#decide();
  }

  /** From now on the PLPMTU is the largest size that was answered. */
  #decide(): void {
    this.#follows = true;
    this.#plpmtu = this.#floor;
  }

  #beginSearch(now: number): void {
    this.#ceiling = this.#bounds.maxPlpmtu + 1;
    this.#attempt = undefined;
    this.#enter('searching', now);
    this.#follows = false;
  }

  #complete(now: number): void {
    this.#decide();
    this.#searchCompleteAt = now;
    this.#idleSince = now;
    this.#enter('search_complete', now + PROBE_TIMER);
  }

  #enterError(now: number): void {
    this.#errorSince = now;
    this.#enter('error', now);
  }

  /** Nothing is answered any more, though it was: perhaps another took the peer's place. What was configured holds again. */
  #giveUp(now: number): void {
    this.#plpmtu = undefined;
    this.#peerAnswers = false;
    this.#disable(now);
  }

  #disable(now: number): void {
    this.#enter('disabled', now + this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_DISABLED_PAUSE);
  }

  #enter(state: PathMtuSearchState, nextAt: number): void {
    this.#state = state;
    this.#nextAt = nextAt;
    if (state === 'searching' || state === 'search_complete') return;
    this.#attempt = undefined;
    this.#floor = 0;
    this.#follows = false;
    this.#beside = 0;
  }
}

/** A size that is being asked for, up to MAX_PROBES times. */
interface Attempt {
  readonly purpose: 'search' | 'confirm';
  readonly size: number;
  /** PROBE_COUNT: how often it went unanswered. */
  count: number;
  expiresAt: number;
}

/**
 * Milliseconds. RFC 8899 section 5.1.1: "This value MUST NOT be smaller than 1 second and SHOULD be larger than 15 seconds."
 * It is what the RFC allows and no more: the peer's packet path answers at once, so that a second is long against any round
 * trip, an answer that is later counts all the same, and with 15 seconds a black hole would last for a minute.
 */
export const PROBE_TIMER = 1000;
/** Section 5.1.2: "The default value of MAX_PROBES is 3". */
export const MAX_PROBES = 3;
/** Milliseconds. Section 5.1.1: "a period of 600 seconds, as recommended by PLPMTUD". */
export const PMTU_RAISE_TIMER = 600_000;
/** Milliseconds between confirmations of the size in use, while packets are sent: what a black hole lasts, and MAX_PROBES. */
export const CONFIRMATION_TIMER = 5000;
/** Milliseconds without any answer after which what is known is forgotten. */
export const ERROR_LIMIT = 60_000;
/** Milliseconds before a peer that answers nothing is asked again: doubled each time. */
const FIRST_DISABLED_PAUSE = 5000;
const LONGEST_DISABLED_PAUSE = 60_000;
/** Probes whose answer is waited for. */
const MAXIMUM_SENT = 16;
