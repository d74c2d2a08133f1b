/** A line of the log, as it was written. */
export type KeptLine = Readonly<Record<string, unknown>>;

/** The last lines of the log, so many and no more. */
export class RecentLines {
  readonly #most: number;
  #lines: string[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a line of JSON. */
  write(line: string): void {
    this.#lines.push(line);
    // Now and then, and not with every line.
    if (this.#lines.length >= 2 * this.#most) this.#lines = this.#lines.slice(-this.#most);
  }

  /** From the oldest on. */
  all(): readonly KeptLine[] {
    return this.#lines.slice(-this.#most).map((line) => JSON.parse(line) as KeptLine);
  }
}
