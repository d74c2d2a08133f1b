import { addToCounter, POLICY_COUNTER, POLICY_COUNTERS } from '../policy/counter-memory.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';

/** Counters of the entries of the database in force, by index; an entry that keeps its entryId keeps its counters. */
export class PolicyCounterTable {
  readonly #memory: ((entryId: string) => Float64Array) | undefined;
  #byEntryId = new Map<string, Float64Array>();
  #byIndex: readonly Float64Array[] = [];

  /** `memory` gives the array of an entry, by POLICY_COUNTER: always the same one. */
  constructor(memory?: (entryId: string) => Float64Array) {
    this.#memory = memory;
  }

  install(database: SecurityPolicyDatabase): void {
    const next = new Map<string, Float64Array>();
    this.#byIndex = database.entries.map(({ entryId }) => {
      const counters = this.#byEntryId.get(entryId) ?? this.#memory?.(entryId) ?? new Float64Array(POLICY_COUNTERS);
      next.set(entryId, counters);
      return counters;
    });
    this.#byEntryId = next;
  }

  count(index: number, bytes: number): void {
    const counters = this.#byIndex[index];
    if (counters === undefined) return;
    addToCounter(counters, POLICY_COUNTER.packets, 1);
    addToCounter(counters, POLICY_COUNTER.bytes, bytes);
  }

  countInbound(index: number, bytes: number): void {
    const counters = this.#byIndex[index];
    if (counters === undefined) return;
    addToCounter(counters, POLICY_COUNTER.inboundPackets, 1);
    addToCounter(counters, POLICY_COUNTER.inboundBytes, bytes);
  }

  /** By POLICY_COUNTER. */
  at(index: number): Float64Array | undefined {
    return this.#byIndex[index];
  }
}
