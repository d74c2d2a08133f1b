import type { SessionRequest } from '@weft/contracts/southbound';
import type { Occurrence } from './edge-event.js';
import { EventLog } from './event-log.js';
import { eventMessage } from './event-message.js';

/** What the reporter needs from its surroundings; tests bring their own. */
export interface EventReporterParts {
  /** Sends to the controller; false when there is no session or it is slow. */
  readonly send: (message: SessionRequest) => boolean;
  /** Wall clock. */
  readonly now: () => Date;
  /** Runs something once after so many milliseconds. @returns what cancels it. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
}

/**
 * Tells the controller what happened: one message at a time, and the next when that one is stored. While there is no session
 * events wait in a bounded log.
 */
export class EventReporter {
  readonly #parts: EventReporterParts;
  readonly #log = new EventLog(KEPT_EVENTS);
  #taken = false;
  /** The last number of the message that waits for its answer. */
  #awaited: number | undefined;
  #cancel: () => void = () => undefined;

  constructor(parts: EventReporterParts) {
    this.#parts = parts;
  }

  add(occurrence: Occurrence): void {
    this.#log.add(occurrence, this.#parts.now());
    this.#flush();
  }

  /** A session has begun. `taken`: its controller stores events. */
  welcomed(taken: boolean): void {
    this.#taken = taken;
    this.#awaited = undefined;
    this.#flush();
  }

  /** The session is over: what it was sent may not have been stored. */
  ended(): void {
    this.#cancel();
    this.#taken = false;
    this.#awaited = undefined;
  }

  /** The controller has stored all up to this number. */
  stored(number: bigint): void {
    this.#log.confirmed(Number(number));
    if (this.#awaited === undefined || number < BigInt(this.#awaited)) return;
    this.#awaited = undefined;
    this.#flush();
  }

  #flush(): void {
    if (!this.#taken || this.#awaited !== undefined || this.#log.waiting === 0) return;
    this.#cancel();
    const events = this.#log.oldest(EVENTS_PER_MESSAGE);
    const value = { events: events.map(eventMessage) };
    if (this.#parts.send({ message: { $case: 'events', value } })) this.#awaited = events.at(-1)?.number;
    // A controller without its database answers later; one that is slow is tried again.
    this.#cancel = this.#parts.after(AGAIN_MILLISECONDS, () => {
      this.#awaited = undefined;
      this.#flush();
    });
  }
}

/** Some hundred octets each; hours of a tunnel that does not come up. */
const KEPT_EVENTS = 1024;
const EVENTS_PER_MESSAGE = 64;
const AGAIN_MILLISECONDS = 15_000;
