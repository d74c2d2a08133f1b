import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { ChildSa } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import { scheduleChildRekey, spiNumber, spiOctets } from './child-negotiation.js';
import { findNotify } from './payload-access.js';

/** Asks whether the peer lives: an empty request (section 2.4). */
export function checkLiveness(sa: IkeSa, now: number): void {
  const due = sa.lastHeard + sa.connection.livenessInterval;
  if (sa.state.name !== 'established') return;
  sa.timers.set('liveness', Math.max(due, now + 1));
  if (due > now || sa.busy) {
    if (due <= now) sa.timers.set('liveness', now + sa.connection.livenessInterval);
    return;
  }
  sa.timers.set('liveness', now + sa.connection.livenessInterval);
  sa.enqueue((at) => sa.sendRequest(EXCHANGE.INFORMATIONAL, [], at, () => undefined), now);
}

/** Deletes a Child SA: outbound is not used any more, inbound stays until the peer has answered (section 1.4.1). */
export function deleteChild(sa: IkeSa, child: ChildSa, now: number): void {
  if (child.phase === 'deleting' || child.phase === 'gone') return;
  child.phase = 'deleting';
  scheduleChildRekey(sa);
  sa.enqueue((at) => {
    if (child.phase === 'gone' || sa.state.name === 'closed') return;
    const spis = [spiOctets(child.association.inboundSpi)];
    sa.sendRequest(EXCHANGE.INFORMATIONAL, [{ kind: 'D', protocol: PROTOCOL.ESP, spis }], at, () =>
      sa.removeChild(child),
    );
  }, now);
}

/** Deletes the IKE SA and with it its Child SAs. */
export function deleteIke(sa: IkeSa, now: number, announce: boolean): void {
  sa.retire(now);
  sa.enqueue((at) => {
    sa.sendRequest(
      EXCHANGE.INFORMATIONAL,
      [{ kind: 'D', protocol: PROTOCOL.IKE, spis: [] }],
      at,
      (_payloads, later) => {
        const { name: connection } = sa.connection;
        if (announce) sa.host.emit({ kind: 'event', event: { kind: 'ike-closed', connection, by: 'us' } });
        sa.close(later);
      },
    );
  }, now);
}

export function respondInformational(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  const deletes = payloads.filter((payload) => payload.kind === 'D');
  if (deletes.some((payload) => payload.protocol === PROTOCOL.IKE)) {
    closeForPeer(sa, now);
    return;
  }
  if (findNotify(payloads, 'AUTHENTICATION_FAILED') !== undefined) {
    sa.respond(EXCHANGE.INFORMATIONAL, [], now);
    sa.fail({ code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'INFORMATIONAL' }, now);
    return;
  }
  const answered: Uint8Array[] = [];
  for (const payload of deletes)
    for (const spi of payload.spis) answered.push(...deleteForPeer(sa, spiNumber(spi), now));
  const answer: Payload[] = answered.length === 0 ? [] : [{ kind: 'D', protocol: PROTOCOL.ESP, spis: answered }];
  sa.respond(EXCHANGE.INFORMATIONAL, answer, now);
}

/** "the SPIs in the delete are the peer's inbound ones", our outbound; the answer names ours, unless we delete it too. */
function deleteForPeer(sa: IkeSa, outboundSpi: number, now: number): Uint8Array[] {
  const holder = [sa, sa.undecidedPredecessor].find((other) =>
    other?.children.some((each) => isNamed(each, outboundSpi)),
  );
  const child = holder?.children.find((each) => isNamed(each, outboundSpi));
  if (holder === undefined || child === undefined) return [];
  // Section 2.25.1: "If a peer receives a request to close a Child SA that it is currently trying to close, it SHOULD
  // reply without a Delete payload."
  const alreadyDeleting = child.phase === 'deleting';
  const successor = child.peerRekey?.successor;
  if (successor !== undefined) useOutbound(sa, successor, child, now);
  holder.removeChild(child);
  scheduleChildRekey(holder);
  return alreadyDeleting ? [] : [spiOctets(child.association.inboundSpi)];
}

function isNamed(child: ChildSa, outboundSpi: number): boolean {
  return child.association.outboundSpi === outboundSpi;
}

/** The peer gave up the predecessor, so it has its end of the successor: traffic may move. */
function useOutbound(sa: IkeSa, successor: ChildSa, old: ChildSa, now: number): void {
  if (successor.outboundInUse || successor.phase === 'gone') return;
  successor.outboundInUse = true;
  const { inboundSpi, outboundSpi } = successor.association;
  sa.host.emit({ kind: 'use-outbound', inboundSpi, outboundSpi });
  sa.history.add(now, 'local', 'traffic moved to the successor', { inboundSpi });
  const event = {
    kind: 'child-rekeyed',
    connection: sa.connection.name,
    oldInboundSpi: old.association.inboundSpi,
    newInboundSpi: inboundSpi,
  } as const;
  sa.host.emit({ kind: 'event', event });
}

function closeForPeer(sa: IkeSa, now: number): void {
  const rekeyed = sa.state.name === 'awaiting-delete' || sa.children.length === 0;
  sa.respond(EXCHANGE.INFORMATIONAL, [], now);
  const winner = sa.ikeRekey?.peer?.successor;
  // The peer completed its rekey and closes the predecessor; ours is void (section 2.25.2).
  if (winner !== undefined && winner.state.name === 'established') winner.children.push(...sa.children.splice(0));
  else if (!rekeyed) {
    sa.host.emit({ kind: 'event', event: { kind: 'ike-closed', connection: sa.connection.name, by: 'peer' } });
  }
  for (const child of [...sa.children]) sa.removeChild(child);
  sa.retire(now);
}
