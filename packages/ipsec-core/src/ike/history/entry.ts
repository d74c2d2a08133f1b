import type { Identity } from '../../wire/ike/payloads/identification.js';
import type { Endpoint } from '../connection.js';
import type { ChildAssociation, FailureReason, PostQuantumProtection } from '../outputs.js';
import type { Path } from '../path.js';
import type { MessageContent } from './message-content.js';

/** One thing that happened in a negotiation, as it is kept; `explainHistory` names the numbers in it. */
export type HistoryEntry = HistoryMoment & HistoryFact;

export interface HistoryMoment {
  /** Milliseconds of the engine's clock. */
  readonly at: number;
  /** First octets of our SPI, in hexadecimal: which IKE SA of the lineage. */
  readonly sa: string;
}

export type HistoryFact =
  | MessageFact
  /** Our request was not answered in time and went out again. */
  | { readonly kind: 'retransmitted'; readonly exchange: number; readonly id: number; readonly attempt: number }
  /** The peer sent a request again that we had answered: it got the same answer. */
  | { readonly kind: 'answered-again'; readonly exchange: number; readonly id: number; readonly times: number }
  /** RFC 7296 section 2.23. */
  | { readonly kind: 'nat-found'; readonly weBehind: boolean; readonly peerBehind: boolean }
  | {
      readonly kind: 'established';
      /** IANA numbers, the additional ones after the first. */
      readonly keyExchangeMethods: readonly number[];
      readonly postQuantum: PostQuantumProtection;
      readonly local: Identity;
      readonly remote: Identity;
    }
  | {
      readonly kind: 'child-installed';
      readonly association: ChildAssociation;
    }
  /** By whom is in the reason. `child` is undefined when the peer asked for one that none of ours meets. */
  | { readonly kind: 'child-refused'; readonly child: string | undefined; readonly reason: FailureReason }
  /** Granted, and deleted before the answer was here. */
  | { readonly kind: 'child-taken-back'; readonly child: string }
  /** Both ends began a rekey: the one with the lowest nonce goes (sections 2.8.1 and 2.8.2). */
  | { readonly kind: 'rekey-lost'; readonly of: 'ike' | 'child' }
  | { readonly kind: 'rekey-refused'; readonly reason: FailureReason }
  /** This IKE SA replaces the one before it. */
  | { readonly kind: 'took-over' }
  | ({ readonly kind: 'path-changed' } & Path)
  /** Our request under way went out again because the path changed (RFC 4555 section 3.5). */
  | { readonly kind: 'sent-by-another-path'; readonly exchange: number; readonly id: number }
  /** The peer reports another address of ours than before: a NAT mapping changed (RFC 4555 section 3.8). */
  | { readonly kind: 'seen-elsewhere' }
  /** The peer does not take the addresses that we asked for. */
  | { readonly kind: 'path-refused'; readonly reason: FailureReason }
  /** We do not take those that the peer asked for. */
  | { readonly kind: 'addresses-refused'; readonly notify: string; readonly from: Endpoint }
  /** We prove our identity anew; or only the peer can, having no address here. */
  | { readonly kind: 'reauthentication'; readonly step: 'begun' | 'impossible' }
  /** The proof of identity is good for so long (AUTH_LIFETIME, RFC 4478). */
  | { readonly kind: 'reauthentication-demanded'; readonly withinSeconds: number }
  /** The peer was told that it did not prove who it is. */
  | { readonly kind: 'refused'; readonly reason: FailureReason }
  | { readonly kind: 'failed'; readonly reason: FailureReason }
  | { readonly kind: 'closed' };

export interface MessageFact {
  readonly kind: 'message';
  readonly direction: 'sent' | 'received';
  readonly exchange: number;
  readonly response: boolean;
  readonly id: number;
  readonly content: MessageContent;
}
