import { equalConstantTime } from '../../bytes/compare.js';
import { PPK_CONFIRMATION_OCTETS, ppkConfirmation } from '../../crypto/ike/key-schedule.js';
import { concatenate } from '../../crypto/ike/prf.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { type Ppk, sameAddress } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import { encodeId } from '../ppk-choice.js';
import type { Handshake } from '../states.js';
import { findNotifies, findNotify } from './payload-access.js';

/**
 * Postquantum preshared keys in the last IKE_INTERMEDIATE, RFC 9867 section 3.1. The initiator names all that it has, each in a
 * PPK_IDENTITY_KEY with a confirmation that it has the key; the responder answers with the PPK_IDENTITY of one that it has, too,
 * and all keys of the IKE SA are made anew with it. Without such an answer there is no PPK in them.
 */
export function ppkOffers(sa: IkeSa, handshake: Handshake): Payload[] {
  const keys = sa.lineage.connection.ppk?.keys ?? [];
  if (handshake.ppkMixing !== 'ike-intermediate') return [];
  return keys
    .slice(0, MAXIMUM_OFFERS)
    .map((ppk) =>
      notify('PPK_IDENTITY_KEY', concatenate([encodeId(ppk), ppkConfirmation(sa.keys, ppk.key, handshake.inputs)])),
    );
}

/** Whether the peer offers PPKs that are to be answered now. */
export function offersPpk({ ppkMixing }: Handshake, payloads: readonly Payload[]): boolean {
  return ppkMixing === 'ike-intermediate' && findNotify(payloads, 'PPK_IDENTITY_KEY') !== undefined;
}

/**
 * The responder's choice: the first that some connection has with a peer at that address. Which of them it is, is known with
 * IKE_AUTH, where the choice is looked at again.
 */
export function choosePpk(sa: IkeSa, handshake: Handshake, payloads: readonly Payload[]): Ppk | undefined {
  if (!offersPpk(handshake, payloads)) return undefined;
  const { host, lineage } = sa;
  for (const { data } of findNotifies(payloads, 'PPK_IDENTITY_KEY').slice(0, MAXIMUM_OFFERS)) {
    const [id, confirmation] = [data.subarray(0, -PPK_CONFIRMATION_OCTETS), data.subarray(-PPK_CONFIRMATION_OCTETS)];
    const known = host.connections.ppksOf(id, lineage.path.remote);
    const found = known.find((ppk) => confirms(sa, handshake, ppk, confirmation));
    if (found !== undefined) return found;
  }
  return undefined;
}

function confirms({ keys }: IkeSa, { inputs }: Handshake, { key }: Ppk, confirmation: Uint8Array): boolean {
  return equalConstantTime(ppkConfirmation(keys, key, inputs), 0, confirmation, 0, PPK_CONFIRMATION_OCTETS);
}

/** What the responder chose; undefined: none. It may only be one that was offered. */
export function chosenPpk(
  { lineage }: IkeSa,
  { ppkMixing }: Handshake,
  payloads: readonly Payload[],
): Ppk | 'not offered' | undefined {
  const id = findNotify(payloads, 'PPK_IDENTITY')?.data;
  if (id === undefined) return undefined;
  const offered = ppkMixing === 'ike-intermediate' ? (lineage.connection.ppk?.keys.slice(0, MAXIMUM_OFFERS) ?? []) : [];
  return offered.find((ppk) => sameAddress(encodeId(ppk), id)) ?? 'not offered';
}

/** Each costs the responder a computation, before it knows who asks. */
const MAXIMUM_OFFERS = 16;
