import { type EcnAnomaly, ecnAnomaly } from '../wire/ip/ecn.js';

/** Packets that arrived with one unexpected pair of ECN fields. */
export interface EcnAnomalyCount {
  readonly inner: number;
  readonly outer: number;
  readonly severity: EcnAnomaly;
  readonly packets: bigint;
}

/**
 * Counts combinations of inner and outer ECN field that no tunnel ingress makes (RFC 6040 section 4.2: "SHOULD log the
 * event"). Counters and no log lines, so that whoever reads them sets the rate and can leave them alone: "alarms SHOULD
 * be rate-limited", "it MUST be possible to suppress alarms or logging".
 */
export class EcnCounters {
  readonly #packets = new Float64Array(16);

  /** Only anomalies count. */
  count(inner: number, outer: number): void {
    if (ecnAnomaly(inner, outer) === undefined) return;
    const cell = ((inner & 3) << 2) | (outer & 3);
    this.#packets[cell] = (this.#packets[cell] ?? 0) + 1;
  }

  /** Every anomaly there is, also those that have not occurred. */
  snapshot(): readonly EcnAnomalyCount[] {
    return [...this.#packets].flatMap((packets, cell) => {
      const inner = cell >>> 2;
      const outer = cell & 3;
      const severity = ecnAnomaly(inner, outer);
      return severity === undefined ? [] : [{ inner, outer, severity, packets: BigInt(packets) }];
    });
  }
}
