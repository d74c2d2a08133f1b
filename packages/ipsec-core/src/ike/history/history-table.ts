import { describeEntry } from './describe-entry.js';
import type { ExplainedEntry } from './explained-entry.js';

/**
 * A history as plain text, a line per entry with its details below: time since the first, IKE SA, direction, what.
 *
 * ```
 * +0.000 s  5e1f0a2b  -->  IKE_SA_INIT request 0 { SA KE Nonce N(NAT_DETECTION_SOURCE_IP) … }
 *                          offered 1: IKE ENCR AES_GCM_16/256, PRF HMAC_SHA2_384, KE CURVE25519, ADDKE1 ML_KEM_768
 * ```
 */
export function historyTable(entries: readonly ExplainedEntry[]): string {
  const start = entries[0]?.at ?? 0;
  const times = entries.map(({ at }) => `+${((at - start) / 1000).toFixed(3)} s`);
  const width = Math.max(0, ...times.map(({ length }) => length));
  return entries
    .flatMap((entry, index) => {
      const { what, details } = describeEntry(entry);
      const head = `${(times[index] ?? '').padStart(width)}  ${entry.sa}  ${ARROWS[directionOf(entry)]}  `;
      return [`${head}${what}`, ...details.map((line) => `${' '.repeat(head.length)}${line}`)];
    })
    .join('\n');
}

function directionOf(entry: ExplainedEntry): keyof typeof ARROWS {
  if (entry.kind === 'message') return entry.direction;
  if (entry.kind === 'retransmitted' || entry.kind === 'sent-by-another-path') return 'sent';
  return entry.kind === 'answered-again' ? 'received' : 'local';
}

const ARROWS = { sent: '-->', received: '<--', local: '   ' } as const;
