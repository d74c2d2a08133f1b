/** Runs something when everything before it has run. @returns when it has run itself; rejects when it cannot wait. */
export type Serially = (work: () => Promise<void>) => Promise<void>;

/**
 * Things that may be done together: those that are asked for while something else is under way become one. Each succeeds
 * or fails for itself; a batch that fails is done once more, one by one, so that none takes the others along.
 */
export class Batches<T> {
  readonly #serially: Serially;
  readonly #run: (items: readonly T[]) => Promise<void>;
  #open: Batch<T> | undefined;

  constructor(serially: Serially, run: (items: readonly T[]) => Promise<void>) {
    this.#serially = serially;
    this.#run = run;
  }

  /** Rejects with what became of this one. */
  async add(item: T): Promise<void> {
    this.#open ??= this.#start();
    const { items, failures, done } = this.#open;
    items.push(item);
    await done;
    if (failures.has(item)) throw failures.get(item);
  }

  /** Something else is asked for: what comes after it must not be done before it. */
  close(): void {
    this.#open = undefined;
  }

  #start(): Batch<T> {
    const [items, failures]: [T[], Map<T, unknown>] = [[], new Map()];
    const done = this.#serially(async () => {
      if (this.#open?.items === items) this.#open = undefined;
      await this.#do(items, failures);
    });
    return { items, failures, done };
  }

  async #do(items: readonly T[], failures: Map<T, unknown>): Promise<void> {
    try {
      await this.#run(items);
    } catch (error) {
      const [only] = items;
      if (items.length === 1 && only !== undefined) failures.set(only, error);
      else for (const item of items) await this.#do([item], failures);
    }
  }
}

interface Batch<T> {
  readonly items: T[];
  /** What became of those that failed. */
  readonly failures: Map<T, unknown>;
  readonly done: Promise<void>;
}
