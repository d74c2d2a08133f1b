import { lowerNonce } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import { KEEPALIVE_INTERVAL, REDUNDANCY_DELAY } from '../timers.js';
import { requestChild } from './child-request.js';
import { jittered } from './lifetimes.js';

/** Both identities are proved: the IKE SA stands, and the initiator asks for the Child SAs that IKE_AUTH did not bring. */
export function establish(sa: IkeSa, now: number): void {
  const { lineage, host } = sa;
  const { connection, timers } = lineage;
  if ('handshake' in sa.state) {
    const { initiatorNonce, responderNonce } = sa.state.handshake.inputs;
    lineage.lowestNonce = lowerNonce(initiatorNonce, responderNonce);
  }
  sa.state = { name: 'established' };
  sa.forgetHandshake();
  sa.timers.clear('half-open');
  lineage.establishedAt = now;
  lineage.mobility.verify(lineage.path);
  host.list(lineage);
  timers.set('rekey-ike', now + jittered(host, connection.lifetime));
  timers.set('liveness', now + connection.livenessInterval);
  if (lineage.nat.weBehind) timers.set('keepalive', now + KEEPALIVE_INTERVAL);
  sa.note('local', 'established', {}, now);
  const { additionalKeyExchanges } = lineage;
  lineage.tell({ kind: 'ike-established', connection: connection.name, additionalKeyExchanges });
  if (host.established(connection).length > 1) timers.set('redundancy', now + REDUNDANCY_DELAY);
  if (sa.role === 'initiator') for (const child of connection.children.slice(1)) requestChild(lineage, child, now);
  lineage.pump(now);
}
