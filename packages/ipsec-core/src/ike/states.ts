import type { InitiatedKeyExchange } from '../crypto/ike/key-exchange/key-exchange.js';
import type { NoncesAndSpis } from '../crypto/ike/key-schedule.js';
import type { Transform } from '../wire/ike/payloads/sa.js';
import type { AuthenticationHints } from './authentication-hints.js';
import type { Ppk, PpkMixing } from './connection.js';
import type { FailureReason } from './outputs.js';

/** What IKE_AUTH needs from the exchanges before it. */
export interface Handshake {
  readonly inputs: NoncesAndSpis;
  /** The transforms of IKE_SA_INIT. */
  readonly chosen: readonly Transform[];
  readonly initiatorMessage: Uint8Array;
  readonly responderMessage: Uint8Array;
  /** SIGNATURE_HASH_ALGORITHMS of the peer; undefined when one of the two sent none. */
  readonly peerHashes: readonly number[] | undefined;
  /** How the peer said it can be convinced. A responder learns that with IKE_AUTH only. */
  readonly peerHints: AuthenticationHints;
  /** The responder's authentication methods are still to come, with IKE_INTERMEDIATE (RFC 9593 section 3.1). */
  readonly methodsPending: boolean;
  /** How a PPK is to be used, as both ends have said: USE_PPK (RFC 8784) or USE_PPK_INT (RFC 9867). */
  readonly ppkMixing: PpkMixing | undefined;
  /** The PPK that IKE_INTERMEDIATE has mixed in. */
  readonly mixedPpk: Ppk | undefined;
  /** The responder has said CHILDLESS_IKEV2_SUPPORTED (RFC 6023). */
  readonly mayBeChildless: boolean;
  /** Methods of RFC 9370 that are still to be exchanged. */
  readonly pending: readonly number[];
  readonly intermediateInitiator: Uint8Array | undefined;
  readonly intermediateResponder: Uint8Array | undefined;
}

/** A state is named for what it awaits; its fields are what exists then. */
export type IkeState =
  /** IKE_SA_INIT is being made. */
  | { readonly name: 'new' }
  | {
      readonly name: 'awaiting-init-response';
      readonly share: InitiatedKeyExchange;
      readonly nonce: Uint8Array;
      readonly message: Uint8Array;
      readonly cookie: Uint8Array | undefined;
      readonly restarts: number;
      /** What somebody answered. It may not have been the peer: it counts when nothing better has come for a while. */
      readonly refusal: FailureReason | undefined;
    }
  /** Of IKE_SA_INIT or IKE_INTERMEDIATE; `share` when it is ours that is finished. */
  | {
      readonly name: 'awaiting-key-exchange';
      readonly initiatorMessage: Uint8Array;
      readonly share?: InitiatedKeyExchange;
    }
  | {
      readonly name: 'awaiting-intermediate-response';
      readonly handshake: Handshake;
      /** Undefined when only authentication methods are asked for, or a PPK is offered. */
      readonly share: InitiatedKeyExchange | undefined;
    }
  | { readonly name: 'awaiting-own-signature'; readonly handshake: Handshake }
  | { readonly name: 'awaiting-auth-response'; readonly handshake: Handshake }
  | { readonly name: 'awaiting-auth-request'; readonly handshake: Handshake }
  | { readonly name: 'awaiting-peer-verification'; readonly handshake: Handshake }
  /** A successor to be: its keys come with the answer to our rekey. */
  | { readonly name: 'awaiting-rekey-response' }
  | { readonly name: 'established' }
  /** A successor is in use; whoever made that deletes this one. */
  | { readonly name: 'replaced' }
  /** With everything on it: by us, the answer is awaited; by the peer, repetitions are answered. */
  | { readonly name: 'deleting' }
  /** Authentication failed: the answer that says so is repeated, nothing else. */
  | { readonly name: 'refused' }
  | { readonly name: 'closed' };

export const STORIES: Readonly<Record<IkeState['name'], string>> = {
  new: 'makes its first message',
  'awaiting-init-response': 'sent an offer, a key share and a nonce, and waits for the choice',
  'awaiting-key-exchange': 'waits for the host to compute a key exchange',
  'awaiting-intermediate-response': 'sent an additional key share and waits for the answer',
  'awaiting-own-signature': 'waits for the host to sign its identity',
  'awaiting-auth-response': 'proved its identity and waits for the peer to do the same',
  'awaiting-auth-request': 'answered the offer and waits for the peer to prove its identity',
  'awaiting-peer-verification': 'waits for the host to verify the signature of the peer',
  'awaiting-rekey-response': 'is offered as successor of the IKE SA and waits for its keys',
  established: 'both sides know each other; Child SAs may be made, rekeyed and deleted',
  replaced: 'has a successor that is in use, and waits to be deleted by whoever made that',
  deleting: 'is deleted at one end at least, and answers what still comes',
  refused: 'says once more, when asked, that the peer did not prove who it is',
  closed: 'is gone and keeps no key',
};
