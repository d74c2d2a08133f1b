import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { type EventPosition, formatEventId } from './event-position.js';
import type { EventStreamGap, FabricEvent } from './fabric-event.dto.js';
import { eventText, HEARTBEAT, positionText } from './server-sent-events.js';

/** Where the events of one tenant come from. */
export interface EventSource {
  /** Where the journal is now. */
  newest(): Promise<EventPosition>;
  /** The next ones behind a number, in order; fewer than `limit` when there are no more. */
  read(after: bigint, limit: number): Promise<readonly { readonly sequence: bigint; readonly event: FabricEvent }[]>;
}

/** Bounds of time of a stream. */
export interface StreamTimes {
  readonly heartbeatMilliseconds: number;
  /** Who takes nothing for this long is too slow. */
  readonly drainMilliseconds: number;
  /** In which the last words have to be taken. */
  readonly endMilliseconds: number;
}

/**
 * One reader of a tenant's journal. It holds one page and what the socket has not taken yet, never more: a slow reader slows down its
 * own reading of the database and nothing else, and one that takes nothing is sent away; its position makes it whole.
 */
export class EventStream {
  readonly #sink: Writable;
  readonly #source: EventSource;
  readonly #times: StreamTimes;
  readonly #ended = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  #wake: () => void = () => undefined;
  #reason: string | undefined;
  /** Undefined until it has begun. */
  #position: EventPosition | undefined;

  constructor(sink: Writable, source: EventSource, times: StreamTimes) {
    this.#sink = sink;
    this.#source = source;
    this.#times = times;
    this.#heartbeat = setInterval(() => this.#beat(), times.heartbeatMilliseconds);
    sink.once('close', () => this.#stop('client_closed'));
    // 'close' follows, which ends it.
    sink.on('error', () => this.#stop('client_closed'));
  }

  /** Why it has ended; undefined while it is open. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** There may be something new. */
  wake(): void {
    this.#wake();
  }

  /** Whether there is something for it when the newest event has this number. */
  isBehind(last: bigint): boolean {
    return this.#position === undefined || this.#position.sequence < last;
  }

  /** Says why, and closes. What the client has not taken by then it gets when it comes back. Idempotent. */
  end(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#stop(reason);
    this.#sink.end(eventText({ name: 'end', data: { reason } }));
    const timer = setTimeout(() => this.#sink.destroy(), this.#times.endMilliseconds);
    this.#sink.once('close', () => clearTimeout(timer));
    if (this.#sink.closed) clearTimeout(timer);
  }

  /** Writes what there is and what comes until the stream has ended. Rejects when the source fails other than for a while. */
  async run(asked: EventPosition | undefined, isPassing: (error: unknown) => boolean): Promise<void> {
    while (this.#reason === undefined) {
      // Before the look: what comes while it looks is looked for again.
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      try {
        this.#position ??= await this.#begin(asked);
        if (await this.#page(this.#position)) continue;
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
      // What has ended meanwhile is woken by nobody.
      if (this.#reason === undefined) await woken;
    }
  }

  async #begin(asked: EventPosition | undefined): Promise<EventPosition> {
    const newest = await this.#source.newest();
    const from = begin(asked, newest);
    await this.#write(positionText(formatEventId(from.position), RETRY_MILLISECONDS));
    if (from.gap !== undefined) await this.#write(eventText({ name: 'gap', data: from.gap }));
    return from.position;
  }

  /** True when there may be more. */
  async #page({ journal, sequence }: EventPosition): Promise<boolean> {
    const page = await this.#source.read(sequence, PAGE);
    let last = sequence;
    for (const next of page) {
      if (this.#reason !== undefined) return false;
      const missed = next.sequence - last - 1n;
      if (missed > 0n) {
        const id = formatEventId({ journal, sequence: next.sequence - 1n });
        const data: EventStreamGap = { reason: 'no_longer_kept', missed: Number(missed) };
        await this.#write(eventText({ id, name: 'gap', data }));
      }
      await this.#write(eventText({ id: next.event.id, data: next.event }));
      last = next.sequence;
      this.#position = { journal, sequence: last };
    }
    return page.length === PAGE;
  }

  /** Resolves when there is room for more, or nothing more to be said. */
  async #write(text: string): Promise<void> {
    if (this.#reason !== undefined || this.#sink.write(text)) return;
    const late = setTimeout(() => this.end('too_slow'), this.#times.drainMilliseconds);
    try {
      await once(this.#sink, 'drain', { signal: this.#ended.signal });
    } catch {
      // It has ended, and says why.
    } finally {
      clearTimeout(late);
    }
  }

  /** Not for who has not taken what came before: they have enough to do. */
  #beat(): void {
    if (this.#reason === undefined && !this.#sink.writableNeedDrain) this.#sink.write(HEARTBEAT);
  }

  #stop(reason: string): void {
    this.#reason ??= reason;
    clearInterval(this.#heartbeat);
    this.#ended.abort();
    this.#wake();
  }
}

/** Where a client begins that asks for what comes behind a position, or just for what comes. */
export function begin(
  asked: EventPosition | undefined,
  newest: EventPosition,
): { readonly position: EventPosition; readonly gap: EventStreamGap | undefined } {
  if (asked === undefined) return { position: newest, gap: undefined };
  if (asked.journal !== newest.journal) {
    return { position: { ...newest, sequence: 0n }, gap: { reason: 'other_journal', missed: null } };
  }
  if (asked.sequence > newest.sequence) return { position: newest, gap: { reason: 'unknown_position', missed: null } };
  return { position: asked, gap: undefined };
}

/** How long a browser waits before it comes back. */
const RETRY_MILLISECONDS = 2_000;
/** Events of one look at the database. */
const PAGE = 100;
