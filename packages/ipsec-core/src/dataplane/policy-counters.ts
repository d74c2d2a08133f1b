import {
  addToCounter,
  POLICY_COUNTER,
  POLICY_COUNTERS,
  type PolicyTraffic,
  readPolicyCounters,
} from '../policy/counter-memory.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';

/** Packets that the entry decided, whichever way; inbound those that an association brought and those in the clear. */
export interface PolicyCounters extends PolicyTraffic {
  readonly entryId: string;
  readonly ruleId: string;
}

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

  /** The counters of an entry, for what becomes of a packet later; undefined when no entry has the index. */
  of(index: number): Float64Array | undefined {
    return this.#byIndex[index];
  }

  /** `bytes` are those of all `packets` together. */
  count(index: number, bytes: number, packets = 1): void {
    const counters = this.#byIndex[index];
    if (counters === undefined) return;
    addToCounter(counters, POLICY_COUNTER.packets, packets);
    addToCounter(counters, POLICY_COUNTER.bytes, bytes);
  }

  countInbound(index: number, bytes: number): void {
    const counters = this.#byIndex[index];
    if (counters === undefined) return;
    addToCounter(counters, POLICY_COUNTER.inboundPackets, 1);
    addToCounter(counters, POLICY_COUNTER.inboundBytes, bytes);
  }

  /** Of each entry, in the order of the database that was installed last. */
  snapshot(database: SecurityPolicyDatabase): readonly PolicyCounters[] {
    return database.entries.map(({ entryId, ruleId }, index) => ({
      entryId,
      ruleId,
      ...readPolicyCounters(this.#byIndex[index]),
    }));
  }
}
