import type { Secret } from '../bytes/secret.js';
import type { SignatureAlgorithm } from '../crypto/ike/signature.js';
import type { Identity } from '../wire/ike/payloads/identification.js';
import type { Transform } from '../wire/ike/payloads/sa.js';
import type { WireSelector } from '../wire/ike/payloads/traffic-selector.js';

/** An underlay address and UDP port. */
export interface Endpoint {
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  readonly port: number;
}

/**
 * Where the peer of a connection is. The PAD is looked up by identity (RFC 4301 section 4.4.3: "The ID is used as the
 * index"), so an address decides two things only: where we call the peer, and, of one that never moves, that nobody is it
 * who comes from elsewhere.
 */
export type PeerPlace =
  /** We call it there, and it is heard from that address alone, or from one of the others. */
  | ({ readonly kind: 'fixed' } & CallingPlace)
  /** We call it there, and it may come from anywhere: it moves, or a NAT is before it. Its identity decides. */
  | ({ readonly kind: 'roaming' } & CallingPlace)
  /** It comes from anywhere, and cannot be called: such a connection only responds. */
  | { readonly kind: 'anywhere' };

/** Where a peer is called. */
export interface CallingPlace {
  readonly endpoint: Endpoint;
  /** Where else, in order of preference: each is tried when the one before does not answer IKE_SA_INIT. */
  readonly others?: readonly Endpoint[];
}

/** A private key, and what tells the peer that it is ours. */
export interface Credential {
  /** Names the private key for the signing job. */
  readonly name: string;
  /** What the key can sign with, in order of preference. */
  readonly algorithms: readonly SignatureAlgorithm[];
  /** DER, our own first, then what leads to an authority that the peer knows. Empty: the peer has it, or knows the key. */
  readonly certificates: readonly Uint8Array[];
  /** SHA-1 of the SubjectPublicKeyInfo of every authority above the certificate, by which a peer asks for it. */
  readonly authorities?: readonly Uint8Array[];
  /** DER SubjectPublicKeyInfo, for a peer that knows the key itself (RFC 7670). */
  readonly rawPublicKey?: Uint8Array;
}

/** How one side proves its identity (a PAD entry, RFC 4301 section 4.4.3). */
export type LocalAuthentication =
  | { readonly kind: 'psk'; readonly key: Secret }
  /** Which of them the peer sees depends on what it asks for; the first, when it does not. */
  | { readonly kind: 'signature'; readonly credentials: readonly Credential[] };

export type RemoteAuthentication =
  | { readonly kind: 'psk'; readonly key: Secret }
  | {
      readonly kind: 'signature';
      /** What the peer may sign with; all that can be verified, without it. */
      readonly algorithms?: readonly SignatureAlgorithm[];
      /** SHA-1 of the SubjectPublicKeyInfo of the trust anchors, 20 octets each: what CERTREQ asks for. */
      readonly authorities?: readonly Uint8Array[];
      /** The peer is known by its key (RFC 7670): CERTREQ asks for that. */
      readonly rawPublicKeys?: boolean;
      /**
       * An address that is the peer's identity need not be the one that its messages come from. Off by default, as RFC 4945
       * section 3.1.1 demands; behind a NAT nothing else works.
       */
      readonly anySourceAddress?: boolean;
    };

export interface ChildConfiguration {
  /** Unique in its connection. */
  readonly name: string;
  /** Alternatives in order of preference; each is the transforms that may be combined. */
  readonly proposals: readonly (readonly Transform[])[];
  /** 'virtual': the addresses that the configuration payload assigns to that end. */
  readonly local: readonly WireSelector[] | 'virtual';
  readonly remote: readonly WireSelector[] | 'virtual';
  /**
   * Each pair of flows has an SA pair of its own, as an SPD entry with PFP flags asks for (RFC 4301 section 4.4.1.2): made
   * for the flow that `initiate-child` names; a peer must name a single pair of addresses.
   */
  readonly perFlow?: boolean;
  /** Without it 'esp'. */
  readonly protocol?: 'esp' | 'ah';
  /** Transport mode is asked for where no NAT lies between; a peer that declines gets tunnel mode (section 1.3.1). */
  readonly mode: 'tunnel' | 'transport';
  /**
   * Transport mode or nothing: "If this is unacceptable to the initiator, the initiator MUST delete the SA" (section 1.3.1), and as
   * responder we grant no other. False without it.
   */
  readonly transportRequired?: boolean;
  /** Whether we take padding for traffic flow confidentiality from the peer; true without it. */
  readonly acceptTfcPadding?: boolean;
  /**
   * Whether fragments that hide their ports may go over it in tunnel mode (RFC 4301 section 7.3): they do where both ends say
   * so. False without it.
   */
  readonly nonFirstFragmentsAlso?: boolean;
  /** Milliseconds until it is rekeyed; up to a tenth less is drawn at random (RFC 7296 section 2.8). */
  readonly lifetime: number;
}

/** One flow, seen from our end. */
export interface Flow {
  readonly local: WireSelector;
  readonly remote: WireSelector;
}

/** Addresses to assign: first and last, 4 or 16 octets each. */
export interface AddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** The configuration payload (RFC 7296 section 3.15), as the end that asks or as the one that assigns. */
export type HostConfiguration =
  | {
      readonly kind: 'client';
      readonly families: readonly (4 | 6)[];
      /** Name servers, and the domains they are for (RFC 8598). */
      readonly dns: boolean;
    }
  | {
      readonly kind: 'server';
      readonly pools: readonly AddressRange[];
      /**
       * Addresses that are this peer's own, whoever had them before: they go before those of pools, in which they must not be. Without it
       * there are none.
       */
      readonly fixed?: readonly Uint8Array[];
      /** Addresses of name servers. */
      readonly dns: readonly Uint8Array[];
      /** Domains that are to be asked of them, without the final dot; needs `dns` (RFC 8598 section 3.1). */
      readonly domains: readonly string[];
      /** A peer that does not ask gets no Child SA: FAILED_CP_REQUIRED. */
      readonly required: boolean;
    };

/** How addresses may change under an IKE SA and its Child SAs (RFC 4555). Only tunnel mode can move. */
export interface MobikePolicy {
  /**
   * When the peer has to show that it receives at an address that is new (section 3.7): before packets of Child SAs go
   * there, which is what the RFC recommends; at once afterwards; or never, where peers are "expected to be well-behaved".
   */
  readonly returnRoutability: 'before' | 'after' | 'omitted';
  /** Where the peer may move to; without it anywhere. */
  readonly peerAddresses?: readonly AddressRange[];
  /** The paths between several addresses of either end are watched; without it a path is given up when a request is not answered on it. */
  readonly watch?: PathWatch;
}

/**
 * How the initiator watches the paths that it can choose from (RFC 4555 section 3.10). A path that drops everything is left after
 * `interval` and `missed` repetitions, and a round trip by another.
 */
export interface PathWatch {
  /** Milliseconds from one probe of the path in use to the next, as of one that is preferred to it. */
  readonly interval: number;
  /** Milliseconds until a request that is not answered is repeated. */
  readonly patience: number;
  /** Repetitions by the path in use alone; with the next one all others are tried, too. At least 1. */
  readonly missed: number;
  /** Milliseconds for which a preferred path must have answered every probe before the SAs go there. */
  readonly holdDown: number;
}

/** A post-quantum preshared key and what both ends call it. */
export interface Ppk {
  /** PPK_ID, RFC 8784 section 5.1: its type, and the octets after that, 1 to 255. */
  readonly id: { readonly type: 'opaque' | 'fixed'; readonly data: Uint8Array };
  /** 32 octets or more: "at least 256 bits of entropy" give 128 bits against a quantum computer (section 6). */
  readonly key: Secret;
}

/**
 * When a PPK is mixed into the keys: with IKE_AUTH, into those of Child SAs and later IKE SAs (RFC 8784); or in
 * IKE_INTERMEDIATE before it, into those of the first IKE SA, too, so that identities are protected as well (RFC 9867).
 */
export type PpkMixing = 'ike-auth' | 'ike-intermediate';

/** Use of PPKs with a peer (RFC 8784, RFC 9867). */
export interface PpkConfiguration {
  /**
   * We offer the first, or in IKE_INTERMEDIATE all; of what the peer offers we take any. So that a key can be replaced, one
   * end after the other.
   */
  readonly keys: readonly Ppk[];
  /** Without it either, in IKE_INTERMEDIATE where the peer can. */
  readonly mixing?: PpkMixing;
  /** Without a PPK there is no IKE SA. Otherwise one is used when the peer has it, and it is reported when it is not. */
  readonly required: boolean;
}

/**
 * IKE SAs without a Child SA in IKE_AUTH (RFC 6023), of which all Child SAs come by CREATE_CHILD_SA, with a key exchange of
 * their own. 'allow': if the peer begins so; 'prefer': also ours, with a peer that can; 'force': no others; 'never'.
 */
export type ChildlessPolicy = 'allow' | 'prefer' | 'force' | 'never';

/**
 * What becomes of a second IKE SA of one connection (RFC 7296 section 2.4 on INITIAL_CONTACT, section 2.8 on duplicates).
 * 'replace': one of the two goes, when traffic no longer needs it; INITIAL_CONTACT drops the earlier one at once.
 * 'keep': a peer whose IKE SA stands is refused another, unless it says INITIAL_CONTACT. 'never': both stay, and
 * INITIAL_CONTACT drops nothing; for an identity that several hosts share.
 */
export type UniquenessPolicy = 'replace' | 'keep' | 'never';

/**
 * ESP travels in UDP where a NAT is 'detected'; always, when 'forced', by letting the peer believe that we are behind one, for
 * paths that drop protocol 50; never, when 'prohibited': what a NAT has changed is refused (RFC 4555 section 3.9).
 */
export type NatTraversalPolicy = 'detected' | 'forced' | 'prohibited';

export interface Connection {
  readonly name: string;
  readonly local: Endpoint;
  readonly remote: PeerPlace;
  readonly localIdentity: Identity;
  readonly remoteIdentity: Identity;
  readonly localAuthentication: LocalAuthentication;
  readonly remoteAuthentication: RemoteAuthentication;
  readonly proposals: readonly (readonly Transform[])[];
  /** The first comes with IKE_AUTH, the others follow; whoever initiates asks for all. */
  readonly children: readonly ChildConfiguration[];
  readonly configuration?: HostConfiguration;
  /** Without it both ends stay where they are, but for a peer behind a NAT (RFC 7296 section 2.23). */
  readonly mobike?: MobikePolicy;
  /** 'detected' without it. */
  readonly natTraversal?: NatTraversalPolicy;
  /** Milliseconds until the IKE SA is rekeyed. */
  readonly lifetime: number;
  /**
   * Milliseconds for which a proof of identity is good (RFC 7296 section 2.8.3, RFC 4478): before they are over we
   * authenticate anew, if we can initiate, and have told a peer that initiated to do so; an IKE SA that is not replaced by
   * then is deleted. Without it, who proved its identity once is believed until it goes, or asks for more.
   */
  readonly authenticationLifetime?: number;
  readonly ppk?: PpkConfiguration;
  /** Without it 'allow'. */
  readonly childless?: ChildlessPolicy;
  /** What becomes of a second IKE SA with the same peer; 'replace' without it. */
  readonly uniqueness?: UniquenessPolicy;
  /** Milliseconds of silence after which the peer is asked whether it lives. */
  readonly livenessInterval: number;
  /** Largest IKE message that is sent whole, octets of UDP payload (RFC 7383 section 2.5.1). */
  readonly fragmentSize: number;
}

/** A connection that can initiate. */
export type CallableConnection = Connection & { readonly remote: Exclude<PeerPlace, { kind: 'anywhere' }> };

export function canInitiate(connection: Connection): connection is CallableConnection {
  return connection.remote.kind !== 'anywhere';
}

export function natTraversalOf({ natTraversal = 'detected' }: Connection): NatTraversalPolicy {
  return natTraversal;
}

/** Whether the peer of the connection may come from that address. */
export function admitsFrom({ remote }: Connection, address: Uint8Array): boolean {
  return remote.kind !== 'fixed' || calledAt(remote).some((known) => sameAddress(known.address, address));
}

/** Whether we call the peer of the connection at that address. */
export function callsAt({ remote }: Connection, address: Uint8Array): boolean {
  return calledAt(remote).some((known) => sameAddress(known.address, address));
}

/** Where we call the peer, the preferred place first. */
export function calledAt(place: PeerPlace): readonly Endpoint[] {
  return place.kind === 'anywhere' ? [] : [place.endpoint, ...(place.others ?? [])];
}

export function sameEndpoint(left: Endpoint, right: Endpoint): boolean {
  return left.port === right.port && sameAddress(left.address, right.address);
}

export function sameAddress(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index]);
}
