import type { EdgeEvent, Occurrence } from './edge-event.js';

/**
 * Events that the controller has not confirmed, in order and bounded. When it is full the oldest give way to one event that
 * says how many were lost. What was sent stays until it is confirmed, so that it can be sent again.
 */
export class EventLog {
  readonly #capacity: number;
  #events: EdgeEvent[] = [];
  #lastNumber = 0;
  /** Highest number that was handed out to be sent. */
  #sent = 0;
  #lost = 0;

  /** @param capacity events that are kept at most; at least 4 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Events that wait for the controller. */
  get waiting(): number {
    return this.#events.length;
  }

  /** Events that were lost since the agent started, because nobody took them in time. */
  get lost(): number {
    return this.#lost;
  }

  add(occurrence: Occurrence, at: Date): void {
    this.#lastNumber += 1;
    this.#events.push({ ...occurrence, number: this.#lastNumber, at });
    if (this.#events.length > this.#capacity) this.#makeRoom();
  }

  /** The oldest, to be sent. */
  oldest(limit: number): readonly EdgeEvent[] {
    const batch = this.#events.slice(0, limit);
    this.#sent = Math.max(this.#sent, batch.at(-1)?.number ?? 0);
    return batch;
  }

  /** The controller has stored all up to this number. One that was never sent is not believed. */
  confirmed(number: number): void {
    const known = Math.min(number, this.#sent);
    this.#events = this.#events.filter((event) => event.number > known);
  }

  /**
   * Puts one event in the place of the oldest two. Those that say themselves how many were lost are merged while nobody has
   * seen them, and stay when they were sent: what they say must not be said again with another number.
   */
  #makeRoom(): void {
    const from = this.#events.findIndex(({ kind, number }) => kind !== 'events_lost' || number > this.#sent);
    const [first, second] = [this.#events[from], this.#events[from + 1]];
    if (first === undefined || second === undefined) return;
    const gone = [first, second].filter(({ kind }) => kind !== 'events_lost').length;
    const count = [first, second].reduce((sum, { kind, count = 0 }) => sum + (kind === 'events_lost' ? count : 1), 0);
    this.#lost += gone;
    const marker: EdgeEvent = { kind: 'events_lost', number: second.number, at: second.at, count };
    this.#events.splice(from, 2, marker);
  }
}
