import { EXCHANGE } from '../../wire/ike/iana.js';
import type { Lineage } from '../lineage.js';

/** Asks whether the peer lives, when it has been silent and nothing else is under way that would tell (section 2.4). */
export function checkLiveness(lineage: Lineage, now: number): void {
  const { livenessInterval } = lineage.connection;
  const due = lineage.lastHeard + livenessInterval;
  if (due > now) {
    lineage.timers.set('liveness', due);
    return;
  }
  lineage.timers.set('liveness', now + livenessInterval);
  if (!lineage.idle) return;
  const payloads = [] as const;
  const request = {
    purpose: { kind: 'inform' },
    exchange: EXCHANGE.INFORMATIONAL,
    payloads,
    onResponse: () => undefined,
  } as const;
  lineage.enqueue({ key: 'liveness', run: (sa, at) => sa.request(request, at) }, now);
}
