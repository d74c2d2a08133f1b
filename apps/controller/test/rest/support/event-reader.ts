/** One event as a browser would hand it to a page. */
export interface ReadEvent {
  readonly name: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it is depends on its name
  readonly data: any;
}

/** Reads Server-Sent Events as the HTML standard says (section 9.2.6), from a response that fetch gave. */
export class EventReader {
  readonly #abort: AbortController;
  readonly #chunks: AsyncIterator<string>;
  #text = '';
  /** Last event ID: where the stream is to go on. */
  lastEventId = '';

  private constructor(response: Response, abort: AbortController) {
    this.#abort = abort;
    if (response.body === null) throw new Error('the stream has no body');
    this.#chunks = response.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  }

  /** Opens a stream and reads where it begins. */
  static async open(url: string, headers: Record<string, string>): Promise<EventReader> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    const reader = new EventReader(response, abort);
    while (reader.lastEventId === '') if (!(await reader.#block())) throw new Error('the stream ended before it began');
    return reader;
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<ReadEvent | undefined> {
    for (;;) {
      const fields = await this.#block();
      if (fields === undefined) return undefined;
      const data = fields.get('data');
      if (data !== undefined) {
        return { name: fields.get('event') ?? 'message', id: this.lastEventId, data: JSON.parse(data) };
      }
    }
  }

  async take(count: number): Promise<ReadEvent[]> {
    const events: ReadEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (event === undefined) throw new Error(`the stream ended after ${JSON.stringify(events)}`);
      events.push(event);
    }
    return events;
  }

  close(): void {
    this.#abort.abort();
  }

  /** The fields up to the next empty line; undefined at the end. */
  async #block(): Promise<Map<string, string> | undefined> {
    let end = this.#text.indexOf('\n\n');
    while (end < 0) {
      const { value, done } = await this.#chunks.next();
      if (done === true) return undefined;
      this.#text += value;
      end = this.#text.indexOf('\n\n');
    }
    const block = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 2);
    const fields = new Map(
      block.split('\n').map((line) => /^([^:]*):? ?(.*)$/.exec(line)?.slice(1, 3) as [string, string]),
    );
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    return fields;
  }
}
