import type { IkeKeys } from '../../crypto/ike/key-schedule.js';
import type { AuthenticationPayload } from '../../wire/ike/payloads/authentication.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { type Connection, type PpkMixing, sameAddress } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import { encodeId, MIXINGS, mixingsOf } from '../ppk-choice.js';
import type { Handshake } from '../states.js';
import { supportsIntermediate } from './init-notifies.js';
import { find, findNotify } from './payload-access.js';

/** How an end says in IKE_SA_INIT that it can use a PPK; a responder says one of them at most. */
export const USE_PPK = { 'ike-auth': 'USE_PPK', 'ike-intermediate': 'USE_PPK_INT' } as const;

/** The initiator's: every way that it would take. */
export function ppkAnnouncements(connection: Connection): Payload[] {
  return [...mixingsOf([connection])].map((mixing) => notify(USE_PPK[mixing]));
}

/** What both ends can. A responder does not know yet which of its connections it is for: `own` is of all of them. */
export function agreedMixing(peer: readonly Payload[], own: ReadonlySet<PpkMixing>): PpkMixing | undefined {
  return MIXINGS.find(
    (mixing) =>
      own.has(mixing) &&
      findNotify(peer, USE_PPK[mixing]) !== undefined &&
      (mixing === 'ike-auth' || supportsIntermediate(peer)),
  );
}

/**
 * Postquantum preshared keys, RFC 8784. Both ends say USE_PPK in IKE_SA_INIT; in IKE_AUTH the initiator names its PPK, and
 * proves its identity with SK_pi that has the PPK mixed in. When it can do without, it proves it a second time with SK_pi
 * as it was: NO_PPK_AUTH, for a responder that does not have this PPK. A responder that has it says PPK_IDENTITY. From then
 * on SK_d, and with it every Child SA and every IKE SA that follows, depends on the PPK.
 */
export interface OfferedPpk {
  readonly keys: IkeKeys;
  readonly identity: Payload;
  /** Whether the peer may do without. */
  readonly optional: boolean;
}

/** The initiator's: the first of its PPKs, mixed in; undefined when the peer uses none. */
export function offerPpk(sa: IkeSa, { ppkMixing }: Handshake): OfferedPpk | undefined {
  const { ppk } = sa.lineage.connection;
  const first = ppk?.keys[0];
  if (ppkMixing !== 'ike-auth' || ppk === undefined || first === undefined) return undefined;
  return { keys: sa.mix(first.key), identity: notify('PPK_IDENTITY', encodeId(first)), optional: !ppk.required };
}

/** Section 3: "the same data that would normally be placed in the Authentication Data field of an AUTH payload". */
export function noPpkAuth(proof: readonly Payload[]): Payload[] {
  const auth = find(proof, 'AUTH');
  return auth === undefined ? [] : [notify('NO_PPK_AUTH', auth.data)];
}

/** What the responder makes of the initiator's IKE_AUTH: the proof to look at, or why there can be no IKE SA. */
export type PpkVerdict =
  | { readonly used: boolean; readonly auth: AuthenticationPayload }
  | { readonly refusal: string };

/**
 * Section 3, the responder's table. When it is used, the keys of the SA have it mixed in from now on. "If no PPK_IDENTITY
 * notification is found and the peers successfully exchanged USE_PPK notifications …, then the responder MUST send back an
 * AUTHENTICATION_FAILED notification", whether a PPK is required or not.
 */
export function judgePpk(
  sa: IkeSa,
  { ppk }: Connection,
  { ppkMixing, mixedPpk }: Handshake,
  auth: AuthenticationPayload,
  payloads: readonly Payload[],
): PpkVerdict {
  const required = ppk?.required === true;
  if (mixedPpk !== undefined) {
    // Until now it was one of all that peers at this address may have.
    const own = ppk?.keys.some((candidate) => sameAddress(encodeId(candidate), encodeId(mixedPpk))) === true;
    return own ? { used: true, auth } : { refusal: 'the PPK of the peer is not one of its connection' };
  }
  if (ppkMixing !== 'ike-auth')
    return required ? { refusal: 'a PPK is required, and the peer uses none' } : { used: false, auth };
  const id = findNotify(payloads, 'PPK_IDENTITY')?.data;
  if (id === undefined) return { refusal: 'the peer agreed to use a PPK and names none' };
  const known = ppk?.keys.find((candidate) => sameAddress(encodeId(candidate), id));
  if (known !== undefined) {
    sa.mix(known.key);
    sa.settlePpk(true);
    return { used: true, auth };
  }
  const without = findNotify(payloads, 'NO_PPK_AUTH')?.data;
  if (required) return { refusal: 'a PPK is required, and that of the peer has a PPK_ID that is not known here' };
  if (without === undefined) return { refusal: 'the peer requires a PPK with a PPK_ID that is not known here' };
  return { used: false, auth: { ...auth, data: without } };
}

/** The responder has it, says so, and has mixed it in. */
export function isPpkUsed(payloads: readonly Payload[]): boolean {
  return findNotify(payloads, 'PPK_IDENTITY') !== undefined;
}
