import type { SecurityPolicyDatabase } from '../policy/spd.js';

export class PolicyCounter {
  packets = 0;
  bytes = 0;

  count(bytes: number): void {
    this.packets++;
    this.bytes += bytes;
  }
}

/** Counters of the entries of the database in force, by index; an entry that keeps its entryId keeps its counter. */
export class PolicyCounterTable {
  #byEntryId = new Map<string, PolicyCounter>();
  #byIndex: readonly PolicyCounter[] = [];

  install(database: SecurityPolicyDatabase): void {
    const next = new Map<string, PolicyCounter>();
    this.#byIndex = database.entries.map(({ entryId }) => {
      const counter = this.#byEntryId.get(entryId) ?? new PolicyCounter();
      next.set(entryId, counter);
      return counter;
    });
    this.#byEntryId = next;
  }

  count(index: number, bytes: number): void {
    this.#byIndex[index]?.count(bytes);
  }

  at(index: number): PolicyCounter | undefined {
    return this.#byIndex[index];
  }
}
