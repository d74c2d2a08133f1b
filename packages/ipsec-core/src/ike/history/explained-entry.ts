import type { FailureReason, PostQuantumProtection } from '../outputs.js';

/** An entry of a history with names for its numbers: for people, JSON and the console. */
export type ExplainedEntry = ExplainedMoment & ExplainedFact;

export interface ExplainedMoment {
  /** Milliseconds of the engine's clock. */
  readonly at: number;
  /** First octets of our SPI, in hexadecimal. */
  readonly sa: string;
}

export type ExplainedFact =
  | ExplainedMessage
  | { readonly kind: 'retransmitted'; readonly exchange: string; readonly id: number; readonly attempt: number }
  | { readonly kind: 'answered-again'; readonly exchange: string; readonly id: number; readonly times: number }
  | { readonly kind: 'nat-found'; readonly weBehind: boolean; readonly peerBehind: boolean }
  | {
      readonly kind: 'established';
      readonly keyExchange: readonly string[];
      readonly postQuantum: PostQuantumProtection;
      readonly local: string;
      readonly remote: string;
    }
  | {
      readonly kind: 'child-installed';
      readonly child: string;
      readonly inboundSpi: number;
      readonly outboundSpi: number;
      readonly suite: string;
      readonly mode: 'tunnel' | 'transport';
      readonly local: readonly string[];
      readonly remote: readonly string[];
    }
  | { readonly kind: 'child-taken-back'; readonly child: string }
  | {
      readonly kind: 'child-refused';
      readonly child: string | null;
      readonly reason: FailureReason;
      readonly why: string;
    }
  | { readonly kind: 'reauthentication'; readonly step: 'begun' | 'impossible' }
  | { readonly kind: 'reauthentication-demanded'; readonly withinSeconds: number }
  | { readonly kind: 'rekey-lost'; readonly of: 'ike' | 'child' }
  | { readonly kind: 'took-over' | 'closed' }
  | { readonly kind: 'path-changed'; readonly local: string; readonly remote: string }
  | { readonly kind: 'sent-by-another-path'; readonly exchange: string; readonly id: number }
  | { readonly kind: 'seen-elsewhere' }
  | { readonly kind: 'addresses-refused'; readonly notify: string; readonly from: string }
  | {
      readonly kind: 'rekey-refused' | 'path-refused' | 'refused' | 'failed';
      readonly reason: FailureReason;
      /** The reason in one sentence. */
      readonly why: string;
    };

export interface ExplainedMessage {
  readonly kind: 'message';
  readonly direction: 'sent' | 'received';
  /** `IKE_SA_INIT`. */
  readonly exchange: string;
  readonly response: boolean;
  readonly id: number;
  /** `SA`, `N(COOKIE)`. */
  readonly payloads: readonly string[];
  /** Offered in a request, chosen in a response; a line each. */
  readonly proposals?: readonly string[];
  readonly keyExchange?: string;
  readonly identities?: readonly string[];
  readonly authentication?: string;
  readonly initiatorSelectors?: readonly string[];
  readonly responderSelectors?: readonly string[];
  /** Of an answer: milliseconds since the request was first sent. */
  readonly roundTrip?: number;
}
