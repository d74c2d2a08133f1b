import { EXCHANGE } from '../../wire/ike/iana.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Lineage } from '../lineage.js';

/** An INFORMATIONAL exchange that concerns no SA's existence (RFC 7296 section 1.4). One of each key waits at a time. */
export function inform(
  lineage: Lineage,
  key: string,
  payloads: readonly Payload[],
  now: number,
  onResponse: (payloads: readonly Payload[], now: number) => void = () => undefined,
): void {
  const request = { purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads, onResponse } as const;
  lineage.enqueue({ key, run: (sa, at) => sa.request(request, at) }, now);
}
