import type { SecurityPolicyDatabase } from '../policy/spd.js';

export class PolicyCounter {
  packets = 0;
  bytes = 0;
  inboundPackets = 0;
  inboundBytes = 0;
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
    const counter = this.#byIndex[index];
    if (counter === undefined) return;
    counter.packets++;
    counter.bytes += bytes;
  }

  countInbound(index: number, bytes: number): void {
    const counter = this.#byIndex[index];
    if (counter === undefined) return;
    counter.inboundPackets++;
    counter.inboundBytes += bytes;
  }

  at(index: number): PolicyCounter | undefined {
    return this.#byIndex[index];
  }
}
