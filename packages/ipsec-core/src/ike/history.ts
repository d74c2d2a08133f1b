/** One thing that happened in a negotiation, for people: the console draws these as a sequence diagram. */
export interface HistoryEntry {
  readonly at: number;
  readonly direction: 'sent' | 'received' | 'local';
  /** First octets of our SPI, in hexadecimal: which IKE SA of the lineage. */
  readonly sa: string;
  readonly what: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The latest entries; the number left out is kept, so that a gap is seen. Holds nothing secret. */
export class History {
  readonly #entries: HistoryEntry[] = [];
  #dropped = 0;

  add(entry: HistoryEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > LIMIT) this.#dropped += this.#entries.splice(0, LIMIT / 4).length;
  }

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  get dropped(): number {
    return this.#dropped;
  }
}

const LIMIT = 200;
