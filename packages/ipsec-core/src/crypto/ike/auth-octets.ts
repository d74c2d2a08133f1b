import { equalConstantTime } from '../../bytes/compare.js';
import type { Secret } from '../../bytes/secret.js';
import { concatenate, type Prf } from './prf.js';

/**
 * What AUTH covers, RFC 7296 section 2.15 and RFC 9242 section 3.3.2:
 *
 *   InitiatorSignedOctets = RealMessage1 | NonceRData | prf(SK_pi, RestOfInitIDPayload) [| IntAuth]
 *
 * and the other way round for the responder. RealMessage is that side's IKE_SA_INIT message as sent, the one with the
 * final COOKIE and key exchange. IntAuth = IntAuth_iN | IntAuth_rN | IKE_AUTH message ID, only when there was an
 * IKE_INTERMEDIATE exchange.
 */
export interface AuthInputs {
  readonly ownMessage: Uint8Array;
  readonly peerNonce: Uint8Array;
  /** SK_pi for what the initiator signs, SK_pr for the responder. */
  readonly p: Secret;
  /** Body of that side's ID payload, from the ID Type on. */
  readonly idBody: Uint8Array;
  readonly intermediate: Uint8Array | undefined;
}

export function signedOctets(prf: Prf, inputs: AuthInputs): Uint8Array {
  const maced = inputs.p.reveal((key) => prf.compute(key, inputs.idBody));
  return concatenate([inputs.ownMessage, inputs.peerNonce, maced, inputs.intermediate ?? new Uint8Array(0)]);
}

/** AUTH = prf( prf(Shared Secret, "Key Pad for IKEv2"), <SignedOctets>). */
export function sharedKeyAuth(prf: Prf, key: Secret, octets: Uint8Array): Uint8Array {
  const padded = key.reveal((secret) => prf.compute(secret, KEY_PAD));
  const auth = prf.compute(padded, octets);
  padded.fill(0);
  return auth;
}

export function sameAuth(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && equalConstantTime(left, 0, right, 0, left.length);
}

/**
 * RFC 9242 section 3.3.2: IntAuth_i1 = prf(SK_pi1, IntAuth_i1A [| IntAuth_i1P]), and the previous value first in the
 * following rounds. A is the message from the IKE header to the SK header with both lengths as if the payloads were
 * there in the clear; P is the decrypted payloads without padding.
 */
export function intermediateAuth(
  prf: Prf,
  p: Secret,
  previous: Uint8Array | undefined,
  header: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  return p.reveal((key) => prf.compute(key, previous ?? new Uint8Array(0), header, plaintext));
}

const KEY_PAD = Uint8Array.from('Key Pad for IKEv2', (character) => character.charCodeAt(0));
