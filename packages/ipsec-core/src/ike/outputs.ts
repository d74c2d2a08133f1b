import type { Secret } from '../bytes/secret.js';
import type { SignatureAlgorithm } from '../crypto/ike/signature.js';
import type { ChildSuite } from '../crypto/ike/suite.js';
import type { Identity } from '../wire/ike/payloads/identification.js';
import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';
import type { Connection, Endpoint, Flow } from './connection.js';
import type { NegotiationHistory } from './history/history.js';
import type { KeyExchangeJob, KeyExchangeResult } from './key-exchange-job.js';
import type { ProposalRefusal } from './negotiation.js';

/** What goes in. Time comes beside it, in milliseconds of any monotonic clock. */
export type IkeInput =
  /** `octets` without the non-ESP marker. */
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly remote: Endpoint; readonly octets: Uint8Array }
  | { readonly kind: 'timeout' }
  /** From now on these connections, and no others: SAs of what is missing are deleted, those of what is there go on. */
  | { readonly kind: 'configure'; readonly connections: readonly Connection[] }
  /** Does nothing when the connection is up or under way. */
  | { readonly kind: 'initiate'; readonly connection: string }
  /** Asks for one Child SA of a connection that is up, unless it stands already. */
  | { readonly kind: 'initiate-child'; readonly connection: string; readonly child: string; readonly flow?: Flow }
  | { readonly kind: 'rekey-ike'; readonly connection: string }
  /** Authenticates anew, make before break: another IKE SA with its Child SAs, and only then the old one is deleted. */
  | { readonly kind: 'reauthenticate'; readonly connection: string }
  | { readonly kind: 'rekey-child'; readonly inboundSpi: number }
  | { readonly kind: 'delete-child'; readonly inboundSpi: number }
  | { readonly kind: 'delete-ike'; readonly connection: string }
  /** The underlay addresses that the connection may use, the preferred one first: all of them, whenever they change. */
  | { readonly kind: 'local-addresses'; readonly connection: string; readonly addresses: readonly Uint8Array[] }
  /** The first authentic packet came on a Child SA: the peer sends on it, so it has its end. */
  | { readonly kind: 'inbound-used'; readonly inboundSpi: number }
  /** An ESP or AH packet came on an SPI that no association has. */
  | { readonly kind: 'unknown-spi'; readonly local: Endpoint; readonly remote: Endpoint; readonly spi: number }
  | { readonly kind: 'job-done'; readonly id: number; readonly result: JobResult };

/** Work that the host does beside the engine, and answers with `job-done`. */
export type Job = CredentialJob | KeyExchangeJob;

/** Needs a private key or a trust decision. */
export type CredentialJob =
  | {
      readonly kind: 'sign';
      readonly credential: string;
      /** What both sides can use, in our order of preference. */
      readonly algorithms: readonly SignatureAlgorithm[];
      readonly octets: Uint8Array;
    }
  | {
      readonly kind: 'verify';
      readonly connection: string;
      readonly identity: Identity;
      /** DER X.509 or, with encoding 15, SubjectPublicKeyInfo; as received, the peer's own first. */
      readonly certificates: readonly { readonly encoding: number; readonly data: Uint8Array }[];
      readonly algorithm: SignatureAlgorithm;
      readonly signature: Uint8Array;
      readonly octets: Uint8Array;
    };

export type JobResult =
  | KeyExchangeResult
  | { readonly kind: 'signed'; readonly algorithm: SignatureAlgorithm; readonly signature: Uint8Array }
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface ChildAssociation {
  readonly connection: string;
  readonly child: string;
  readonly inboundSpi: number;
  readonly outboundSpi: number;
  readonly suite: ChildSuite;
  readonly mode: 'tunnel' | 'transport';
  /** The peer takes padding for traffic flow confidentiality (ESP_TFC_PADDING_NOT_SUPPORTED was not there). */
  readonly tfcPadding: boolean;
  /** Both ends take fragments that hide their ports (NON_FIRST_FRAGMENTS_ALSO, RFC 4301 section 7.3). */
  readonly nonFirstFragmentsAlso: boolean;
  readonly local: readonly WireSelector[];
  readonly remote: readonly WireSelector[];
  /** A NAT lies between: ESP travels in UDP (RFC 3948). */
  readonly encapsulate: boolean;
  /** The addresses of the IKE SA, and its ports when ESP travels in UDP (section 2.23, RFC 4555 section 3.3). */
  readonly localEndpoint: Endpoint;
  readonly remoteEndpoint: Endpoint;
}

export type FailureReason =
  | { readonly code: 'peer_silent' }
  /** It showed the token of RFC 6290: it has lost all state. */
  | { readonly code: 'peer_crashed' }
  /** It answered TEMPORARY_FAILURE for minutes: the two ends do not see the same state (RFC 7296 section 2.25). */
  | { readonly code: 'out_of_step' }
  /** The peer refuses to replace the IKE SA or a Child SA, whose time is over (RFC 7296 section 2.8). */
  | { readonly code: 'rekey_refused'; readonly notify: string }
  /** A PPK is required (RFC 8784), and the peer uses none. */
  | { readonly code: 'ppk_required' }
  /** Only an IKE SA without a Child SA in IKE_AUTH is wanted, and the peer does not have that (RFC 6023). */
  | { readonly code: 'childless_required' }
  /** The time for which the peer's proof of identity is good is over, and it did not prove it anew. */
  | { readonly code: 'authentication_expired' }
  | {
      readonly code: 'peer_refused';
      readonly notify: string;
      readonly exchange: string;
      /** What it refused: a peer says that it accepts nothing of it, never what it would have accepted. */
      readonly offer?: RefusedOffer;
    }
  | { readonly code: 'no_proposal_chosen'; readonly refusals: readonly ProposalRefusal[] }
  | { readonly code: 'invalid_message'; readonly detail: string }
  | { readonly code: 'invalid_key_exchange'; readonly detail: string }
  | { readonly code: 'authentication_failed'; readonly detail: string }
  | {
      readonly code: 'ts_unacceptable';
      /** Of which end the selectors do not meet. */
      readonly side: 'local' | 'remote';
      readonly offered: readonly string[];
      readonly allowed: readonly string[];
    }
  /** Of the selectors of a Child SA the peer left some out when it was rekeyed (section 2.9.2). */
  | {
      readonly code: 'rekey_narrowed';
      readonly side: 'local' | 'remote';
      readonly answered: readonly string[];
      readonly before: readonly string[];
    }
  | { readonly code: 'signing_failed'; readonly detail: string }
  /** Each pair of flows has an SA pair of its own, and the peer did not name one (section 2.9). */
  | { readonly code: 'single_pair_required' }
  /** No pool has an address left for the peer; or the peer assigned none to us that a Child SA could be for. */
  | { readonly code: 'no_address' }
  /** The peer did not ask for the configuration that it must have. */
  | { readonly code: 'configuration_required' }
  /** Transport mode is required here, and the peer did not ask for it, or declined it (section 1.3.1). */
  | { readonly code: 'transport_declined' }
  /** Transport mode is required here, and a NAT lies between, through which it is not used. */
  | { readonly code: 'transport_behind_nat' }
  /** The address that the peer knows us by is gone, and the IKE SA cannot move. */
  | { readonly code: 'local_address_gone' }
  /** The peer takes no pair of addresses that is left (RFC 4555 section 3.5). */
  | { readonly code: 'addresses_refused' }
  /** Something changes addresses on the way, where NAT traversal is prohibited (RFC 4555 section 3.9). */
  | { readonly code: 'nat_detected' };

/**
 * What protects the keys against who records traffic now and has a quantum computer later; empty: nothing. 'kem': a key
 * encapsulation mechanism, which covers the IKE SA from IKE_AUTH on. 'ppk': a preshared key (RFC 8784), which covers Child SAs and
 * the IKE SAs that come by rekeying; of the first IKE SA only its proofs of identity.
 */
export type PostQuantumProtection = readonly ('kem' | 'ppk')[];

/** Of a request of ours, the part that a refusal is about; for people, a line each. */
export type RefusedOffer =
  | { readonly kind: 'proposals'; readonly proposals: readonly string[] }
  | { readonly kind: 'selectors'; readonly local: readonly string[]; readonly remote: readonly string[] }
  | { readonly kind: 'identity'; readonly identity: string; readonly method: string };

/** Why an IKE SA goes by another path. */
export type PathChangeCause =
  /** Requests were not answered by the one before, and were by this. */
  | 'path_silent'
  /** It is preferred to the one before, and has answered for long enough. */
  | 'preferred_answers'
  /** Our own addresses are others. */
  | 'own_addresses'
  /** The peer is, or says so. */
  | 'peer_moved'
  /** The peer does not take the one before. */
  | 'path_refused';

export type IkeEvent =
  /** Messages of the IKE SA travel between other endpoints than before; of each Child SA `move-child` tells. */
  | {
      readonly kind: 'path-changed';
      readonly connection: string;
      readonly local: Endpoint;
      readonly remote: Endpoint;
      readonly cause: PathChangeCause;
    }
  | {
      readonly kind: 'ike-established';
      readonly connection: string;
      /** What made its keys: the method of IKE_SA_INIT, then the additional ones of RFC 9370. */
      readonly keyExchangeMethods: readonly number[];
      readonly postQuantum: PostQuantumProtection;
    }
  | { readonly kind: 'ike-rekeyed'; readonly connection: string }
  /** What the peer assigned to us, before the Child SAs that use it. */
  | {
      readonly kind: 'configured';
      readonly connection: string;
      readonly addresses: readonly Uint8Array[];
      readonly dns: readonly Uint8Array[];
      /** Names that are to be asked of these servers; empty: all. */
      readonly domains: readonly string[];
    }
  | {
      readonly kind: 'ike-failed';
      readonly connection: string;
      readonly reason: FailureReason;
      /** How it came to this; `explainHistory` puts it into words. */
      readonly history: NegotiationHistory;
    }
  /**
   * An attempt failed that changes nothing: at another IKE SA beside one that stands; or of somebody who said that he is the
   * peer, or came from its address, and has not proved it. Of these, one a minute is told.
   */
  | {
      readonly kind: 'ike-attempt-failed';
      readonly connection: string;
      readonly reason: FailureReason;
      readonly history: NegotiationHistory;
    }
  /** Somebody who is the peer of no connection was refused. One a minute is told. */
  | {
      readonly kind: 'stranger-refused';
      readonly remote: Endpoint;
      readonly reason: FailureReason;
      readonly history: NegotiationHistory;
    }
  | {
      readonly kind: 'ike-closed';
      readonly connection: string;
      readonly by: 'us' | 'peer';
      readonly history: NegotiationHistory;
    }
  /** Deleted, and another IKE SA of the connection goes on: one end authenticated anew, or both had initiated. */
  | {
      readonly kind: 'ike-superseded';
      readonly connection: string;
      readonly by: 'us' | 'peer';
      readonly history: NegotiationHistory;
    }
  | {
      readonly kind: 'child-failed';
      readonly connection: string;
      /** Undefined when the peer asked for one that none of ours meets. */
      readonly child: string | undefined;
      readonly reason: FailureReason;
    }
  /** Deleted and not replaced. */
  | {
      readonly kind: 'child-closed';
      readonly connection: string;
      readonly child: string;
      readonly inboundSpi: number;
      readonly by: 'us' | 'peer';
    }
  | {
      readonly kind: 'child-rekeyed';
      readonly connection: string;
      readonly oldInboundSpi: number;
      readonly newInboundSpi: number;
    };

/** What happened to an IKE SA or Child SA of a connection, or to an attempt at one. */
export type ConnectionEvent = Extract<IkeEvent, { readonly connection: string }>;

export type IkeOutput =
  /** With `marker` four zero octets precede the message (RFC 3948 section 2.2). */
  | {
      readonly kind: 'transmit';
      readonly local: Endpoint;
      readonly remote: Endpoint;
      readonly octets: Uint8Array;
      readonly marker: boolean;
    }
  | { readonly kind: 'job'; readonly id: number; readonly job: Job }
  | { readonly kind: 'event'; readonly event: IkeEvent }
  /**
   * This SPI is about to be offered: the peer may send on it before its answer is here and the Child SA installed, and such
   * packets are worth a moment's waiting.
   */
  | { readonly kind: 'expect-child'; readonly inboundSpi: number }
  /**
   * Install both directions. While `useOutbound` is false, traffic stays on the predecessor: the peer does not have its
   * end yet. The secrets are the host's to wipe.
   */
  | {
      readonly kind: 'install-child';
      readonly association: ChildAssociation;
      readonly inboundKey: Secret;
      readonly outboundKey: Secret;
      readonly useOutbound: boolean;
    }
  /**
   * Its packets go between other endpoints now, or in UDP and did not, or the other way round (RFC 4555 section 3.5). SPIs,
   * keys, sequence numbers and the replay window go on as they are.
   */
  | { readonly kind: 'move-child'; readonly association: ChildAssociation }
  | { readonly kind: 'use-outbound'; readonly inboundSpi: number; readonly outboundSpi: number }
  /** Send nothing through it any more; what arrives on it is accepted until `remove-child`. */
  | { readonly kind: 'retire-child'; readonly inboundSpi: number; readonly outboundSpi: number }
  | { readonly kind: 'remove-child'; readonly inboundSpi: number; readonly outboundSpi: number };
