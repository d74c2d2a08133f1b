import { EXCHANGE } from '../../wire/ike/iana.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import { KEEPALIVE_INTERVAL } from '../timers.js';
import { noticeMapping } from './address-update.js';
import { natDetection } from './nat-detection.js';

/**
 * Asks whether the peer lives, when it has been silent and nothing else is under way that would tell (RFC 7296 section
 * 2.4); at once when there is reason to doubt it.
 */
export function checkLiveness(lineage: Lineage, now: number, doubted = false): void {
  const { livenessInterval } = lineage.connection;
  const due = lineage.lastHeard + livenessInterval;
  if (due > now && !doubted) {
    lineage.timers.set('liveness', due);
    return;
  }
  lineage.timers.set('liveness', now + livenessInterval);
  if (lineage.idle) lineage.enqueue({ key: 'liveness', run: ask }, now);
}

/** With MOBIKE the initiator asks with the same message how the peer sees it (RFC 4555 section 3.8). */
export function ask(sa: IkeSa, now: number): void {
  const { mobility, initiator, path } = sa.lineage;
  const { generation } = mobility;
  const payloads = mobility.inUse && initiator === 'us' ? natDetection(sa, path) : [];
  const onResponse = (response: readonly Payload[], later: number) => noticeMapping(sa, response, generation, later);
  sa.request({ purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads, onResponse }, now);
}

/** One octet keeps the mapping of a NAT in front of us (RFC 3948 section 4): no message, and nothing answers it. */
export function keepMapping(lineage: Lineage, now: number): void {
  if (!lineage.nat.weBehind) return;
  const { local, remote } = lineage.path;
  lineage.host.emit({ kind: 'transmit', local, remote, octets: Uint8Array.of(0xff), marker: false });
  lineage.timers.set('keepalive', now + KEEPALIVE_INTERVAL);
}
