import { Injectable } from '@nestjs/common';
import type { StatusReport } from '@weft/contracts/southbound';

/** The last report of an edge and the one before it, of the same run of the agent. */
export interface ObservedReports {
  readonly bootId: string;
  readonly last: StatusReport;
  readonly previous: StatusReport | undefined;
}

/** Reports of edges: two per edge, and none of edges that are gone. */
@Injectable()
export class StatusReports {
  readonly #reports = new Map<string, ObservedReports>();

  record(edgeId: string, bootId: string, report: StatusReport): void {
    const before = this.#reports.get(edgeId);
    // Counters start at zero with the agent: no rate spans two runs.
    const previous = before?.bootId === bootId ? before.last : undefined;
    this.#reports.set(edgeId, { bootId, last: report, previous });
  }

  of(edgeId: string): ObservedReports | undefined {
    return this.#reports.get(edgeId);
  }

  forget(edgeId: string): void {
    this.#reports.delete(edgeId);
  }
}
