import type { Secret } from '../../bytes/secret.js';
import { rekeyedKeys } from '../../crypto/ike/key-schedule.js';
import { createPrf } from '../../crypto/ike/prf.js';
import type { IkeSuite } from '../../crypto/ike/suite.js';
import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import { compareNonces } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import type { Rival } from '../purpose.js';
import { dropPending } from './followup.js';
import { jittered } from './lifetimes.js';

/** Gives the successor its keys (section 2.18, RFC 9370 section 2.2.4). Wipes the shared secrets. */
export function secureSuccessor(
  sa: IkeSa,
  successor: IkeSa,
  suite: IkeSuite,
  shared: Secret,
  additional: readonly Secret[],
  nonces: { readonly initiator: Uint8Array; readonly responder: Uint8Array },
): void {
  const inputs = {
    initiatorNonce: nonces.initiator,
    responderNonce: nonces.responder,
    initiatorSpi: successor.initiatorSpi,
    responderSpi: successor.responderSpi,
  };
  const prf = createPrf(sa.host.provider, suite.prf);
  successor.secure(rekeyedKeys(sa.keys, prf, suite, { shared, additional }, inputs));
  successor.state = { name: 'established' };
  for (const secret of [shared, ...additional]) secret.wipe();
}

/**
 * Our rekey was answered. Section 2.8.2: "The new IKE SA containing the lowest nonce SHOULD be deleted by the node that
 * created it, and the other surviving new IKE SA MUST inherit all the Child SAs." Who made the surviving one deletes the
 * old one.
 */
export function settleIkeRekey(
  sa: IkeSa,
  successor: IkeSa,
  ours: { readonly rival: Rival | undefined; readonly lowestNonce: Uint8Array },
  now: number,
): void {
  const { rival, lowestNonce } = ours;
  if (rival !== undefined && compareNonces(lowestNonce, rival.lowestNonce) < 0) {
    successor.note({ kind: 'rekey-lost', of: 'ike' }, now);
    adoptRival(sa, rival, now);
    if (successor.state.name === 'established') deleteSa(successor, now);
    return;
  }
  // The peer deletes what it made in vain; it cannot when our answer to it was lost with the old SA.
  if (rival?.successor?.state.name === 'established') rival.successor.retire('replaced', now);
  // Or it gives up the additional key exchanges that it had begun for it.
  if (sa.pending?.about === 'ike') dropPending(sa, now);
  succeed(sa, successor, now);
  deleteSa(sa, now);
}

/** The peer's successor is the one. When it is deleted already, then because the peer closed everything. */
export function adoptRival(sa: IkeSa, { successor }: Rival, now: number): void {
  // Its additional key exchanges are under way: it takes over when they are done.
  if (successor === undefined) return;
  if (successor.state.name === 'established') succeed(sa, successor, now);
  else sa.lineage.end('peer', now);
}

/** From now on requests of ours go on the successor. */
export function succeed(sa: IkeSa, successor: IkeSa, now: number): void {
  const { lineage, host } = sa;
  sa.retire('replaced', now);
  if (lineage.current !== sa) {
    // The peer has chosen its own and replaced that already, while we still wait for the answer that tells which to choose.
    const own = lineage.current.underway;
    if (own?.kind === 'rekey-ike' && own.rival?.successor === sa) own.rival = { ...own.rival, successor };
    return;
  }
  lineage.current = successor;
  lineage.refusedSince = undefined;
  lineage.rekeyRefusals = 0;
  lineage.timers.set('rekey-ike', now + jittered(host, lineage.connection.lifetime));
  lineage.timers.set('liveness', now + lineage.connection.livenessInterval);
  lineage.limit(now);
  successor.note({ kind: 'took-over' }, now);
  lineage.tell({ kind: 'ike-rekeyed', connection: lineage.connection.name });
  lineage.pump(now);
}

/** Deletes one IKE SA of the lineage that is not the current one: nothing depends on it. */
function deleteSa(sa: IkeSa, now: number): void {
  sa.retire('deleting', now);
  sa.request(
    {
      purpose: { kind: 'delete-ike' },
      exchange: EXCHANGE.INFORMATIONAL,
      payloads: [{ kind: 'D', protocol: PROTOCOL.IKE, spis: [] }],
      onResponse: (_payloads, later) => sa.shut(later),
    },
    now,
  );
}
