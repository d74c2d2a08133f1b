import type { AddressRange, Carrier, Secret, SecurityPolicy } from '@weft/ipsec-core';
import type { Identity, WireSelector } from '@weft/ipsec-core/ike';
import type { Certificate } from '../../ike/credentials/certificate.js';
import type { TunnelStart } from '../../ike/tunnel-start.js';

/** A bundle that passed every check: signed, meant for this edge, fresh, canonical, and consistent in itself. */
export interface VerifiedBundle {
  readonly epoch: bigint;
  readonly generation: bigint;
  readonly revision: bigint;
  /** SHA-256 of the content, lower-case hex: the name of the bundle. */
  readonly contentHash: string;
  /** The bundle from which an operator has agreed to remove what this one lacks; absent: nobody has agreed to anything. */
  readonly agreedRemovalFrom?: string | undefined;
  readonly overlayMtu: number;
  readonly underlay: UnderlayAddress;
  /** Further addresses of this edge, preferred first; absent: there is one. */
  readonly otherUnderlays?: readonly UnderlayAddress[];
  /** How tunnels with several paths watch them; absent: none has. */
  readonly pathWatch?: PathWatch;
  readonly tunnels: ReadonlyMap<string, TunnelConfiguration>;
  /** Sites that are reached by several tunnels. */
  readonly groups: readonly TunnelGroup[];
  /** Tunnels and groups that carry what entries without a tunnel protect, and for which remote addresses. */
  readonly carriers: readonly Carrier[];
  readonly policies: readonly SecurityPolicy[];
  /** Prefixes to route into the overlay device, canonical text. */
  readonly routes: readonly OverlayPrefix[];
  /** Networks behind this edge, as the fabric knows them. */
  readonly localNetworks: readonly OverlayPrefix[];
  /** Those of them that the machines there know by another prefix. */
  readonly mappings: readonly MappedNetwork[];
}

/** A network that the fabric knows by another prefix than its site does, as long as that: the n-th address of one is that of the other. */
export interface MappedNetwork {
  readonly local: OverlayPrefix;
  readonly overlay: OverlayPrefix;
}

/** When a path on which a peer does not answer is left, and when one that is preferred is taken again. Times in milliseconds. */
export interface PathWatch {
  readonly probeInterval: number;
  readonly missedProbes: number;
  readonly holdDown: number;
}

/** Where ESP in UDP is received. */
export interface UnderlayAddress {
  /** Canonical text. */
  readonly text: string;
  /** 4 or 16 octets. */
  readonly octets: Uint8Array;
  readonly port: number;
}

/** A peer and how traffic to it is protected: one that has an address, or a host without, which begins. */
export type TunnelConfiguration = PlacedTunnel | HostTunnel;

interface NamedTunnel {
  readonly tunnelId: string;
  /** Of a peer that is no edge the identifier of that. */
  readonly peerEdgeId: string;
  readonly peerName: string;
}

/** A tunnel with an edge, or with a gateway that is none. */
export interface PlacedTunnel extends NamedTunnel {
  readonly remote: UnderlayAddress;
  /** Further addresses of the peer, preferred first; absent: it has one. */
  readonly otherRemotes?: readonly UnderlayAddress[];
  readonly profile: ProtectionProfile;
  readonly keying: TunnelKeying;
  /** Of a peer that is no edge. */
  readonly external: ExternalGateway | undefined;
}

/** A tunnel with a host that comes from anywhere: nobody can call it, and it negotiates, since only so it can prove who it is. */
export interface HostTunnel extends NamedTunnel {
  readonly remote: undefined;
  readonly profile: EspProfile & { readonly mode: 'tunnel' };
  readonly keying: { readonly mode: 'ikev2'; readonly negotiation: HostNegotiation };
  readonly external: RemoteHost;
}

/** A peer that is no edge. */
export type ExternalPeer = ExternalGateway | RemoteHost;

/** A gateway that is no edge: its PAD entry, and what the one Child SA with it may carry. */
export interface ExternalGateway extends AuthorizedPeer {
  readonly assignment: undefined;
}

/** A host that is assigned addresses of the overlay; `remote` is these and no others. */
export interface RemoteHost extends AuthorizedPeer {
  readonly assignment: HostAssignment;
}

interface AuthorizedPeer {
  readonly remoteIdentity: Identity;
  readonly authentication: ExternalAuthentication;
  readonly local: readonly WireSelector[];
  readonly remote: readonly WireSelector[];
}

/** What a host is told in the configuration payload (RFC 7296 section 3.15). Addresses are of 4 or 16 octets. */
export interface HostAssignment {
  /** One, or one of each family. */
  readonly addresses: readonly Uint8Array[];
  readonly nameServers: readonly Uint8Array[];
  /** Domains to ask these about, without the final dot; none: everything. */
  readonly domains: readonly string[];
}

/** How this edge and a peer that is none prove who they are. */
export type ExternalAuthentication =
  /** `localIdentity`: what this edge shows of itself. */
  | { readonly kind: 'pre_shared_key'; readonly localIdentity: Identity; readonly key: Secret }
  /** This edge shows its own certificate and the subject of that; the peer one that is an anchor, or comes from one. */
  | { readonly kind: 'certificates'; readonly anchors: readonly Certificate[] };

/** Tunnels with the edges of one site: packets come by any of them, and go by the most preferred whose peer answers. */
export interface TunnelGroup {
  readonly groupId: string;
  /** Preferred first; two or more. */
  readonly tunnelIds: readonly string[];
  /** Milliseconds from one probe of liveness to the next. */
  readonly probeInterval: number;
  /** Unanswered probes in a row after which a peer is held for dead. */
  readonly missedProbes: number;
  /** Milliseconds for which a more preferred peer must have answered before packets go to it again. */
  readonly holdDown: number;
}

/** Who makes the keys of a tunnel: the controller, both edges with IKEv2, or both with key shares that the controller relays (ADR 26). */
export type TunnelKeying =
  | { readonly mode: 'ike-less' }
  | ({ readonly mode: 'controller-blind' } & BlindLifetimes)
  | { readonly mode: 'ikev2'; readonly negotiation: IkeNegotiation };

/** How long keys last that the controller does not know, by their age. Times in milliseconds. */
export interface BlindLifetimes {
  /** The edges agree on others. */
  readonly softLifetime: number;
  /** They end. */
  readonly hardLifetime: number;
  /** As in `IkeNegotiation`. */
  readonly revokedSerials: ReadonlySet<string>;
}

/** What the two edges of a tunnel negotiate. */
export interface IkeNegotiation extends NegotiationTerms {
  readonly start: Exclude<TunnelStart, { kind: 'awaited' }>;
}

/** What an edge and a host negotiate, which has to begin. */
export interface HostNegotiation extends NegotiationTerms {
  readonly start: Extract<TunnelStart, { kind: 'awaited' }>;
}

/** What is negotiated, whoever begins. Times in milliseconds. */
export interface NegotiationTerms {
  /** Preferred first. */
  readonly proposals: readonly IkeProposal[];
  /** Of a Child SA rekey; undefined: keys come from the IKE SA alone. */
  readonly childKeyExchange: KeyExchangeMethods | undefined;
  readonly ikeLifetime: number;
  readonly childLifetime: number;
  readonly livenessInterval: number;
  /** Certificates of the peer that are not believed any more: values of serial numbers, lower-case hex. */
  readonly revokedSerials: ReadonlySet<string>;
}

/** Encrypts and authenticates at once (RFC 5282, RFC 7634). */
export interface CombinedMode {
  readonly suite: 'aes-gcm-16' | 'chacha20-poly1305';
  /** Of ChaCha20 always 256. */
  readonly keyBits: 128 | 192 | 256;
}

export interface IkeProposal extends CombinedMode {
  /** IANA transform type 2 number. */
  readonly prf: number;
  readonly keyExchange: KeyExchangeMethods;
}

/** IANA transform type 4 numbers: the first method, then what is added to it (RFC 9370). */
export interface KeyExchangeMethods {
  readonly method: number;
  readonly additional: readonly number[];
}

/** IPsec parameters of a tunnel. */
export type ProtectionProfile = EspProfile | AhProfile;

export interface EspProfile extends CommonProfile, CombinedMode {
  readonly protocol: 'esp';
  readonly encapsulation: EspEncapsulation;
}

/** Packets are authenticated, with their outer header, and not encrypted (RFC 4302 section 1). They go directly on IP. */
export interface AhProfile extends CommonProfile {
  readonly protocol: 'ah';
  /** "AUTH_HMAC_SHA2_256_128: MUST" (RFC 8221 section 6). */
  readonly integrity: 'hmac-sha2-256-128';
}

interface CommonProfile {
  /**
   * Tunnel mode, or transport mode: what goes between the underlay addresses of the two edges, and nothing else, keeps its header
   * (RFC 4301 section 4.1). Then ESP is never in UDP.
   */
  readonly mode: 'tunnel' | 'transport';
  readonly replayWindow: number;
  readonly extendedSequenceNumbers: boolean;
}

/**
 * What ESP travels in: UDP (RFC 3948), NAT or not; or nothing, directly on IP (RFC 9061: espencap), and then in UDP all the same
 * where IKE has found a NAT (RFC 7296 section 2.23).
 */
export type EspEncapsulation = 'udp' | 'none';

/** A prefix of the overlay. */
export interface OverlayPrefix {
  /** Canonical text, `address/length`. */
  readonly text: string;
  readonly family: 4 | 6;
  readonly range: AddressRange;
}
