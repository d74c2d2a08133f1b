import { Injectable } from '@nestjs/common';
import { FabricStore } from '../distribution/fabric-store.js';
import { safeNumber } from './rates.js';
import { StatusReports } from './status-reports.js';

/** Packets that a rule decided, at all edges together, since the edges started. */
export interface RuleCounters {
  readonly packets: number;
  readonly bytes: number;
}

/** Counters per policy rule. A packet between two sites is decided, and counted, at both of its ends. */
@Injectable()
export class PolicyCounters {
  readonly #store: FabricStore;
  readonly #reports: StatusReports;

  constructor(store: FabricStore, reports: StatusReports) {
    this.#store = store;
    this.#reports = reports;
  }

  /** By rule id; rules that no edge has reported are absent. */
  byRule(tenantId: string): ReadonlyMap<string, RuleCounters> {
    const sums = new Map<string, { packets: bigint; bytes: bigint }>();
    for (const { edgeId, desired } of this.#store.assignmentsOf(tenantId)) {
      const rules = new Map(desired.bundle.securityPolicies.map((policy) => [policy.entryId, policy.ruleId]));
      for (const { entryId, packets, bytes } of this.#reports.of(edgeId)?.last.securityPolicies ?? []) {
        const ruleId = rules.get(entryId);
        if (ruleId === undefined) continue;
        const sum = sums.get(ruleId) ?? { packets: 0n, bytes: 0n };
        sums.set(ruleId, { packets: sum.packets + packets, bytes: sum.bytes + bytes });
      }
    }
    return new Map(
      [...sums].map(([ruleId, sum]) => [ruleId, { packets: safeNumber(sum.packets), bytes: safeNumber(sum.bytes) }]),
    );
  }
}
