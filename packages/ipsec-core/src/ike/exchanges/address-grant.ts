import { cameUntranslated, readAdditionalAddresses } from '../../wire/ike/mobike-notifies.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { AddressRange } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import type { Path } from '../path.js';
import { changePath } from './address-update.js';
import { detectedNat, natDetection } from './nat-detection.js';
import { findNotify } from './payload-access.js';
import { checkRoutability, copyOfCookie2 } from './routability.js';

/** What an INFORMATIONAL request about addresses is answered, and what follows when the answer is sent. */
export interface AddressAnswer {
  readonly payloads: readonly Payload[];
  readonly afterwards: (now: number) => void;
}

/**
 * RFC 4555 sections 3.5 to 3.9, the end that is asked. COOKIE2 and NAT detection are answered in every INFORMATIONAL request
 * "but no other action is taken"; addresses change only by UPDATE_SA_ADDRESSES of the initiator, to those of the IP header.
 */
export function answerAddresses(sa: IkeSa, payloads: readonly Payload[], now: number): AddressAnswer {
  const { lineage } = sa;
  const { mobility } = lineage;
  const path = sa.requestPath;
  const cookie = copyOfCookie2(payloads);
  const refuse = (name: 'UNEXPECTED_NAT_DETECTED' | 'UNACCEPTABLE_ADDRESSES'): AddressAnswer => {
    sa.note({ kind: 'addresses-refused', notify: name, from: path.remote }, now);
    return { payloads: [notify(name), ...cookie], afterwards: () => undefined };
  };
  if (!cameUntranslated(payloads, path.remote, path.local)) return refuse('UNEXPECTED_NAT_DETECTED');
  const asked = findNotify(payloads, 'UPDATE_SA_ADDRESSES') !== undefined;
  const updates = asked && mobility.inUse && lineage.initiator === 'peer';
  if (updates && !isAcceptable(lineage, path.remote.address)) return refuse('UNACCEPTABLE_ADDRESSES');
  const listed = mobility.inUse && learnAddresses(lineage, payloads, path);
  if (updates) {
    mobility.displaced = false;
    lineage.situate(detectedNat(sa, payloads, path) ?? lineage.nat, now);
    lineage.take(path, 'peer_moved', now);
  }
  const detects =
    findNotify(payloads, 'NAT_DETECTION_SOURCE_IP') ?? findNotify(payloads, 'NAT_DETECTION_DESTINATION_IP');
  return {
    payloads: [...(detects === undefined ? [] : natDetection(sa, path)), ...cookie],
    afterwards: (later) => {
      if (updates) moveChildren(lineage, later);
      else if (listed) leaveGoneAddress(lineage, path, later);
    },
  };
}

/** The peer's complete list, which takes the place of the last (section 3.6). False when the message has none. */
export function learnAddresses(lineage: Lineage, payloads: readonly Payload[], { remote }: Path): boolean {
  const list = readAdditionalAddresses(payloads);
  if (list === undefined) return false;
  const { mobility } = lineage;
  mobility.peer = [remote.address, ...list.filter((address) => isAcceptable(lineage, address))];
  mobility.forgetRefusals();
  return true;
}

/** The initiator is elsewhere; packets go there when policy says, which by default is when it has shown that it is there. */
function moveChildren(lineage: Lineage, now: number): void {
  const { mobility, connection } = lineage;
  const move = () => lineage.children.move(lineage.path, lineage.nat.present);
  const { returnRoutability } = connection.mobike ?? { returnRoutability: 'before' };
  if (returnRoutability === 'omitted' || mobility.isVerified(lineage.path)) {
    move();
    return;
  }
  if (returnRoutability === 'after') move();
  checkRoutability(lineage, move, now);
}

/** The responder has not the address any more that it is reached at: the initiator goes where it was heard from. */
function leaveGoneAddress(lineage: Lineage, path: Path, now: number): void {
  const { mobility, initiator } = lineage;
  const gone = initiator === 'us' && !mobility.peerHas(lineage.path.remote.address);
  if (gone && isAcceptable(lineage, path.remote.address)) changePath(lineage, path, 'peer_moved', now);
}

function isAcceptable({ connection }: Lineage, address: Uint8Array): boolean {
  const ranges = connection.mobike?.peerAddresses;
  return ranges === undefined || ranges.some((range) => isWithin(address, range));
}

function isWithin(address: Uint8Array, { first, last }: AddressRange): boolean {
  return address.length === first.length && compare(first, address) <= 0 && compare(address, last) <= 0;
}

function compare(left: Uint8Array, right: Uint8Array): number {
  const at = left.findIndex((octet, index) => octet !== right[index]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
