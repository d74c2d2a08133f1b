import { CONFIGURATION_ATTRIBUTE, CONFIGURATION_TYPE, EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { ChildSa } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import { HAND_OVER_DRAIN } from '../timers.js';
import { answerAddresses } from './address-grant.js';
import { absorbToken } from './auth-notifies.js';
import { protocolNumber, spiNumber, spiOctets } from './child-negotiation.js';
import { answerTo } from './collisions.js';
import { afterReplacement, closed } from './delete-child.js';
import { succeed } from './ike-succession.js';
import { find, findNotify } from './payload-access.js';
import { absorbAuthLifetime } from './reauthentication.js';
import { replaceUnknown } from './unknown-spi.js';

export function respondInformational(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  const deletes = payloads.filter((payload) => payload.kind === 'D');
  if (deletes.some((payload) => payload.protocol === PROTOCOL.IKE)) {
    deleteIkeForPeer(sa, now);
    return;
  }
  if (findNotify(payloads, 'AUTHENTICATION_FAILED') !== undefined) {
    sa.respond(EXCHANGE.INFORMATIONAL, [], now);
    sa.abort({ code: 'peer_refused', notify: 'AUTHENTICATION_FAILED', exchange: 'INFORMATIONAL' }, now);
    return;
  }
  absorbToken(sa, payloads);
  absorbAuthLifetime(sa, payloads, now);
  const unknown = findNotify(payloads, 'INVALID_SPI')?.data;
  if (unknown?.length === 4) replaceUnknown(sa.lineage, spiNumber(unknown), now);
  const addresses = answerAddresses(sa, payloads, now);
  const answer: Payload[] = [...addresses.payloads];
  for (const { protocol, spis } of deletes) {
    const answered = spis.flatMap((spi) => deleteChildForPeer(sa, protocol, spiNumber(spi), now));
    if (answered.length > 0) answer.push({ kind: 'D', protocol, spis: answered });
  }
  answer.push(...lateConfiguration(payloads));
  sa.respond(EXCHANGE.INFORMATIONAL, answer, now);
  addresses.afterwards(now);
  sa.lineage.pump(now);
}

/**
 * Configuration comes with IKE_AUTH; a request later gets an answer that has nothing (section 3.15). Who does not give out
 * its version "MUST either return an empty string or no CP payload" (section 2.20).
 */
function lateConfiguration(payloads: readonly Payload[]): Payload[] {
  const request = find(payloads, 'CP');
  if (request?.type !== CONFIGURATION_TYPE.REQUEST) return [];
  const asked = request.attributes.some(({ type }) => type === CONFIGURATION_ATTRIBUTE.APPLICATION_VERSION);
  const version = { type: CONFIGURATION_ATTRIBUTE.APPLICATION_VERSION, value: new Uint8Array(0) };
  return [{ kind: 'CP', type: CONFIGURATION_TYPE.REPLY, attributes: asked ? [version] : [] }];
}

/** The SPIs in a Delete are the peer's inbound ones, our outbound; the answer names ours, unless we delete it too. */
function deleteChildForPeer(sa: IkeSa, protocol: number, outboundSpi: number, now: number): Uint8Array[] {
  const { lineage } = sa;
  const child = lineage.children.byOutboundSpi(outboundSpi);
  if (child !== undefined && protocolNumber(child.association.suite) !== protocol) return [];
  if (child === undefined) {
    const purpose = sa.underway;
    const mayComeYet = purpose?.kind === 'create-child' || purpose?.kind === 'rekey-child';
    if (mayComeYet && purpose.deletedMeanwhile.size < MAXIMUM_REMEMBERED) purpose.deletedMeanwhile.add(outboundSpi);
    return [];
  }
  const answer = answerTo('delete-child', sa, child);
  const { successor } = child;
  if (successor !== undefined && child.phase === 'replaced') moveTo(lineage, child, successor);
  const wanted = child.phase !== 'deleting' && child.outboundInUse && successor === undefined;
  lineage.children.release(child, now);
  if (wanted && !child.handedOver) closed(lineage, child.association, 'peer');
  afterReplacement(lineage, child, now);
  return answer === 'without_delete' ? [] : [spiOctets(child.association.inboundSpi)];
}

/** The peer gave up the predecessor, so it has its end of the successor: traffic may move. */
function moveTo(lineage: Lineage, old: ChildSa, successor: ChildSa): void {
  if (successor.phase !== 'live') return;
  if (old.outboundInUse) lineage.children.useOutbound(successor);
  const { connection, inboundSpi } = successor.association;
  lineage.tell({
    kind: 'child-rekeyed',
    connection,
    oldInboundSpi: old.association.inboundSpi,
    newInboundSpi: inboundSpi,
  });
}

/** Which of its IKE SAs the peer deletes says what it means (sections 2.8.2 and 2.25.2). */
function deleteIkeForPeer(sa: IkeSa, now: number): void {
  const { lineage } = sa;
  const own = sa.underway;
  if (sa !== lineage.current) {
    // A predecessor, or one that lost a collision.
    sa.respond(EXCHANGE.INFORMATIONAL, [], now);
    sa.forgetRequest(now);
    sa.retire('deleting', now);
    return;
  }
  const successor = own?.kind === 'rekey-ike' ? own.rival?.successor : undefined;
  if (successor?.state.name === 'established') {
    // "it knows that the other peer did not detect the simultaneous rekey", or that the peer's won: ours is forgotten.
    sa.respond(EXCHANGE.INFORMATIONAL, [], now);
    sa.forgetRequest(now);
    succeed(sa, successor, now);
    sa.retire('deleting', now);
    return;
  }
  const carried = lineage.children.all.filter(({ phase }) => phase === 'live' || phase === 'replaced');
  lineage.end(own?.kind === 'delete-ike' ? 'us' : 'peer', now);
  // With our answer the peer forgets its Child SAs, and nothing keeps it from overtaking packets: where another IKE SA has
  // taken over what goes out, what went out before comes first.
  if (carried.some(({ handedOver }) => handedOver)) sa.timers.set('drained', now + HAND_OVER_DRAIN);
  else sa.respond(EXCHANGE.INFORMATIONAL, [], now);
}

/** An honest peer deletes one SA that it has just granted, not dozens. */
const MAXIMUM_REMEMBERED = 16;
