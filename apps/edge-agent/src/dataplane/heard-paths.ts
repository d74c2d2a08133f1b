import type { PathMessage } from '@weft/ipsec-core';
import type { SendingPlaces } from './sending-places.js';
import type { WorkerGroup } from './worker-group.js';

/**
 * What one worker hears of paths, for the workers that send in those tunnels. One that is being replaced does without: who asked asks
 * again, and what was answered is asked for again.
 */
export class HeardPaths {
  readonly #workers: WorkerGroup;
  readonly #sendingPlaces: SendingPlaces;
  /** Places of workers: from 0, so many. */
  readonly #places: number;
  readonly #heard: PathMessage[] = [];
  #passingOn = false;

  constructor(workers: WorkerGroup, sendingPlaces: SendingPlaces, places: number) {
    this.#workers = workers;
    this.#sendingPlaces = sendingPlaces;
    this.#places = places;
  }

  passOn(messages: readonly PathMessage[]): void {
    this.#heard.push(...messages.slice(0, MOST_HEARD - this.#heard.length));
    if (this.#passingOn) return;
    this.#passingOn = true;
    void this.#passAllOn().finally(() => {
      this.#passingOn = false;
    });
  }

  async #passAllOn(): Promise<void> {
    try {
      while (this.#heard.length > 0) {
        const heard = this.#heard.splice(0);
        for (let place = 0; place < this.#places; place++) {
          const messages = heard.filter(({ tunnelId }) => this.#sendingPlaces.placeOf(tunnelId) === place);
          if (messages.length > 0) await (await this.#workers.at(place))?.request({ kind: 'paths', messages });
        }
      }
    } catch {
      // The worker has ended: what it would have been told of is asked for again.
      this.#heard.splice(0);
    }
  }
}

/** Messages that wait; what is more is asked for again. */
const MOST_HEARD = 256;
