import { Injectable } from '@nestjs/common';

/** What this controller has counted of event streams and deliveries since it was started. */
@Injectable()
export class EventCounts {
  readonly #open = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #attempts = new Map<AttemptResult, number>();

  streamOpened(tenantId: string): void {
    add(this.#open, tenantId, 1);
  }

  /** `reason`: one of few names. */
  streamEnded(tenantId: string, reason: string): void {
    add(this.#open, tenantId, -1);
    add(this.#ended, reason, 1);
  }

  /** `whose`: of whom there were as many open as there may be. */
  streamRefused(whose: string): void {
    add(this.#refused, whose, 1);
  }

  deliveryAttempted(result: AttemptResult): void {
    add(this.#attempts, result, 1);
  }

  /** By tenant; one that had streams and has none has 0. */
  get openStreams(): ReadonlyMap<string, number> {
    return this.#open;
  }

  get endedStreams(): ReadonlyMap<string, number> {
    return this.#ended;
  }

  get refusedStreams(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  get deliveryAttempts(): ReadonlyMap<AttemptResult, number> {
    return this.#attempts;
  }
}

/** `answered`: with another status than 2xx. `unanswered`: there was no answer. */
export type AttemptResult = 'delivered' | 'answered' | 'unanswered';

function add<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  counts.set(key, (counts.get(key) ?? 0) + change);
}
