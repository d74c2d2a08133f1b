import { EXCHANGE } from '../../wire/ike/iana.js';
import { noNatsAllowed } from '../../wire/ike/mobike-notifies.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { sameAddress } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import type { Path } from '../path.js';
import { NAT_RETRIES } from '../timers.js';
import { changePath, ownList, sayOnPredecessor } from './address-update.js';
import { checkLiveness } from './liveness.js';
import { findNotify } from './payload-access.js';

/** The host has other underlay addresses than before; which they are now, the lineage knows already. */
export function changeOwnAddresses(lineage: Lineage, before: readonly Uint8Array[], now: number): void {
  const { mobility, path } = lineage;
  const { own } = mobility;
  mobility.forgetRefusals();
  const gone = !mobility.owns(path.local.address);
  if (lineage.establishedAt === undefined) {
    // Without what the peer answers to, the handshake cannot end; the host begins another.
    if (gone && lineage.initiator === 'us') lineage.fail({ code: 'local_address_gone' }, now);
    return;
  }
  if (!lineage.standing || sameList(before, own)) return;
  if (!mobility.inUse) {
    if (gone) moveWithoutMobike(lineage, now);
  } else if (lineage.initiator === 'us') moveAsInitiator(lineage, before, gone, now);
  else moveAsResponder(lineage, gone, now);
}

/**
 * To the preferred address when that is another than before, or away from one that is gone; else the peer is told (§3.6). Where
 * paths are watched a preferred one is taken when it has answered for a while, and not before.
 */
function moveAsInitiator(lineage: Lineage, before: readonly Uint8Array[], gone: boolean, now: number): void {
  const { mobility, path } = lineage;
  const [preferred] = mobility.own;
  const [once = path.local.address] = before;
  const better = !lineage.watching && preferred !== undefined && !sameAddress(preferred, once);
  const next = gone || better ? pathFrom(lineage, gone ? mobility.own : mobility.own.slice(0, 1)) : undefined;
  const moves = next !== undefined && !sameAddress(next.local.address, path.local.address);
  if (moves) changePath(lineage, next, 'own_addresses', now);
  // With no address left there is nothing to be done but to wait for one.
  else if (!gone) tellAddresses(lineage, now);
}

/**
 * "If the source address that the responder is currently using becomes unavailable … the responder is allowed to update the
 * IPsec SAs to use some other address" (section 3.5); the initiator learns it from where the new list comes from.
 */
function moveAsResponder(lineage: Lineage, gone: boolean, now: number): void {
  const next = gone ? pathFrom(lineage, lineage.mobility.own) : undefined;
  if (next !== undefined) {
    lineage.mobility.displaced = true;
    lineage.take(next, 'own_addresses', now);
    lineage.children.move(next, lineage.nat.present);
  }
  if (!gone || next !== undefined) tellAddresses(lineage, now);
}

/** A peer that takes us to be behind a NAT follows what is authentic (RFC 7296 section 2.23); any other is lost. */
function moveWithoutMobike(lineage: Lineage, now: number): void {
  const next = pathFrom(lineage, lineage.mobility.own);
  if (!lineage.nat.weBehind || next === undefined) {
    lineage.fail({ code: 'local_address_gone' }, now);
    return;
  }
  lineage.take(next, 'own_addresses', now);
  lineage.children.move(next, lineage.nat.present);
  checkLiveness(lineage, now, true);
}

/** From one of these addresses to where the peer is reached, or to another address of it of the same family. */
function pathFrom({ mobility, path }: Lineage, addresses: readonly Uint8Array[]): Path | undefined {
  const { local, remote } = path;
  for (const address of addresses) {
    const peer = [remote.address, ...mobility.peer].find((other) => other.length === address.length);
    if (peer !== undefined) return { local: { ...local, address }, remote: { ...remote, address: peer } };
  }
  return undefined;
}

/** Section 3.6: the complete list, in an exchange of its own. */
function tellAddresses(lineage: Lineage, now: number): void {
  lineage.enqueue({ key: 'own-addresses', run: sendList }, now);
  sayOnPredecessor(lineage, sendList, now);
}

function sendList(sa: IkeSa, now: number): void {
  const { lineage } = sa;
  const { mobility, path, natTraversal } = lineage;
  const { generation } = mobility;
  const payloads: Payload[] = [...ownList(lineage), ...(natTraversal ? [] : [noNatsAllowed(path.local, path.remote)])];
  const onResponse = (response: readonly Payload[], later: number) => {
    const translated = findNotify(response, 'UNEXPECTED_NAT_DETECTED') !== undefined;
    // "If the request … is retransmitted using several different source addresses, a new INFORMATIONAL request MUST be sent."
    const stale = generation !== mobility.generation;
    if (stale || (translated && ++mobility.natEncounters < NAT_RETRIES)) tellAddresses(lineage, later);
  };
  const abandon = (later: number) => tellAddresses(lineage, later);
  sa.request({ purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads, onResponse, abandon }, now);
}

function sameList(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  return left.length === right.length && left.every((address, index) => sameAddress(address, right[index] ?? NONE));
}

const NONE = new Uint8Array(0);
