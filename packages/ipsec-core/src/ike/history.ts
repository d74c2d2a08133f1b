/** One thing that happened in a negotiation, for people: the console draws these as a sequence diagram. */
export interface HistoryEntry {
  readonly at: number;
  readonly direction: 'sent' | 'received' | 'local';
  readonly what: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The latest entries; the number left out is kept, so that a gap is seen. Holds nothing secret. */
export class History {
  readonly #entries: HistoryEntry[] = [];
  #dropped = 0;

  add(at: number, direction: HistoryEntry['direction'], what: string, detail: HistoryEntry['detail'] = {}): void {
    this.#entries.push({ at, direction, what, detail });
    if (this.#entries.length > LIMIT) {
      this.#entries.splice(0, 1);
      this.#dropped++;
    }
  }

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  get dropped(): number {
    return this.#dropped;
  }
}

const LIMIT = 200;
