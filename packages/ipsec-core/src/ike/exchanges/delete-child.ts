import { EXCHANGE } from '../../wire/ike/iana.js';
import type { ChildSa } from '../child-sa.js';
import type { ChildConfiguration } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import type { ChildAssociation } from '../outputs.js';
import { protocolNumber, spiOctets } from './child-negotiation.js';
import { inform } from './inform.js';

/**
 * Somebody wants the policy's Child SA gone. One that is being replaced cannot be deleted without cutting traffic that
 * has not moved, and the two ends would see different things: its successor goes instead, as soon as it is in use.
 */
export function deleteChild(lineage: Lineage, child: ChildSa, now: number): void {
  const purpose = lineage.current.underway;
  const rekeying = purpose?.kind === 'rekey-child' && purpose.child === child;
  if (child.phase === 'replaced' || rekeying || (child.phase === 'live' && child.rival !== undefined)) {
    child.condemned = true;
    if (child.successor !== undefined) child.successor.condemned = true;
    return;
  }
  if (child.phase !== 'live') {
    if (child.successor !== undefined) deleteChild(lineage, child.successor, now);
    return;
  }
  remove(lineage, child, 'asked', now);
}

/** Of two that replaced the same, ours lost: it has carried nothing. */
export function deleteRedundant(lineage: Lineage, child: ChildSa, now: number): void {
  remove(lineage, child, 'redundant', now);
}

/** The peer has made one of our offer, which we do not take as it answered: it must not send on it. */
export function deleteUntaken(
  lineage: Lineage,
  configuration: ChildConfiguration,
  inboundSpi: number,
  now: number,
): void {
  const payload = { kind: 'D', protocol: protocolNumber(configuration), spis: [spiOctets(inboundSpi)] } as const;
  inform(lineage, `delete ${inboundSpi}`, [payload], now);
}

/** The successor that we made is in use at both ends. */
export function deleteReplaced(lineage: Lineage, child: ChildSa, now: number): void {
  if (child.phase === 'live' || child.phase === 'replaced') remove(lineage, child, 'replaced', now);
  afterReplacement(lineage, child, now);
}

/** A predecessor is gone; was the successor to be deleted in its place? */
export function afterReplacement(lineage: Lineage, old: ChildSa, now: number): void {
  const { successor } = old;
  if (successor?.condemned === true && successor.phase === 'live') remove(lineage, successor, 'asked', now);
}

/** Outbound it is not used from now on; inbound it stays until the peer has answered (section 1.4.1). */
function remove(lineage: Lineage, child: ChildSa, why: 'asked' | 'redundant' | 'replaced', now: number): void {
  const { inboundSpi } = child.association;
  lineage.children.retire(child, 'deleting', now);
  const run = (sa: IkeSa, at: number) => {
    if (child.phase !== 'deleting') return;
    sa.request(
      {
        purpose: { kind: 'delete-child', child },
        exchange: EXCHANGE.INFORMATIONAL,
        payloads: [{ kind: 'D', protocol: protocolNumber(child.association.suite), spis: [spiOctets(inboundSpi)] }],
        onResponse: (_payloads, later) => {
          if (child.phase !== 'deleting') return;
          lineage.children.release(child, later);
          if (why === 'asked') closed(lineage, child.association, 'us');
        },
        // The IKE SA was replaced and is gone, and with it the answer: the next one brings another.
        abandon: (later) => {
          if (child.phase === 'deleting') lineage.enqueueFirst(task, later);
        },
      },
      at,
    );
  };
  const task = { key: `delete ${inboundSpi}`, run };
  if (why === 'asked') lineage.enqueue(task, now);
  else lineage.enqueueFirst(task, now);
}

export function closed(
  lineage: Lineage,
  { connection, child, inboundSpi }: Pick<ChildAssociation, 'connection' | 'child' | 'inboundSpi'>,
  by: 'us' | 'peer',
): void {
  lineage.tell({ kind: 'child-closed', connection, child, inboundSpi, by });
}
