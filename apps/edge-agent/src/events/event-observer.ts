import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import type { EventReporter } from './event-reporter.js';
import { occurrencesBetween, type Watched } from './event-watch.js';

/** Looks at the agent every second, and tells what has changed since the last look. */
export class EventObserver {
  readonly #look: () => Promise<Watched>;
  readonly #reporter: Pick<EventReporter, 'add'>;
  readonly #log: Log;
  #before: Watched | undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(look: () => Promise<Watched>, reporter: Pick<EventReporter, 'add'>, log: Log) {
    this.#look = look;
    this.#reporter = reporter;
    this.#log = log;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.observe(), INTERVAL_MILLISECONDS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks once, unless the last look is still under way. */
  async observe(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const now = await this.#look();
      for (const occurrence of occurrencesBetween(this.#before, now)) this.#reporter.add(occurrence);
      this.#before = now;
    } catch (error) {
      // The packet path is being replaced: the next look sees what became of it.
      this.#log.debug({ reason: messageOf(error) }, 'nothing to be seen for events');
    } finally {
      this.#busy = false;
    }
  }
}

const INTERVAL_MILLISECONDS = 1_000;
