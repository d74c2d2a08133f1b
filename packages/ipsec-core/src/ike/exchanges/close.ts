import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import type { FailureReason } from '../outputs.js';

/** Deletes the IKE SA and with it its Child SAs (RFC 7296 section 1.4.1), before anything else that waits. */
export function closeIke(lineage: Lineage, now: number): void {
  lineage.enqueueFirst({ key: 'close', run: (sa, at) => sendDelete(lineage, sa, at) }, now);
}

/** The same because the peer left the protocol: the failure is told, and nothing is sent through its Child SAs meanwhile. */
export function breakOff(lineage: Lineage, reason: FailureReason, now: number): void {
  lineage.current.note({ kind: 'failed', reason }, now);
  lineage.tellFailure(reason, now);
  closeIke(lineage, now);
}

function sendDelete(lineage: Lineage, sa: IkeSa, now: number): void {
  lineage.timers.clearAll();
  sa.retire('deleting', now);
  for (const child of lineage.children.all) lineage.children.retire(child, 'deleting', now);
  sa.request(
    {
      purpose: { kind: 'delete-ike' },
      exchange: EXCHANGE.INFORMATIONAL,
      payloads: [{ kind: 'D', protocol: PROTOCOL.IKE, spis: [] }],
      onResponse: (_payloads, later) => lineage.end('us', later),
    },
    now,
  );
}
