import type { Encapsulation } from './intent.js';
import type { NetworkMapping } from './topology.js';

/** What one edge must run: the southbound `Bundle` in plain values. It holds no secret. */
export interface EdgeBundle {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly device: { readonly mtu: number };
  readonly underlay: BundleEndpoint;
  /** Of its other uplinks, in order of preference; absent: it has one. */
  readonly otherUnderlays?: readonly BundleEndpoint[];
  /** Absent: no tunnel has more than one path. */
  readonly pathWatch?: BundlePathWatch;
  /** By tunnel id. */
  readonly tunnels: readonly BundleTunnel[];
  /** In the operator's order; the first match decides, no match is DISCARD. */
  readonly securityPolicies: readonly BundleSecurityPolicy[];
  /**
   * Prefixes to route into the overlay device: the networks of all other sites, also of those that no policy
   * reaches, so that traffic to them meets the SPD and never leaves in the clear by the default route.
   */
  readonly routes: readonly string[];
  /** Networks of its site, as the fabric knows them. */
  readonly localNetworks: readonly string[];
  /** Those of them that the site knows by another prefix, by what the fabric knows them by. */
  readonly networkMappings: readonly NetworkMapping[];
  /** Sites with several edges that it has tunnels with, by group id. */
  readonly tunnelGroups: readonly BundleTunnelGroup[];
}

/** The tunnels with the edges of one site: any may carry what the policies protect with the group. */
export interface BundleTunnelGroup {
  readonly groupId: string;
  /** Preferred first. */
  readonly tunnelIds: readonly string[];
  /** As of a tunnel. */
  readonly carries?: readonly BundleAddressList[];
  /** Milliseconds from one probe of liveness to the next. */
  readonly probeIntervalMilliseconds: number;
  /** Unanswered probes in a row after which a peer is held for dead. */
  readonly missedProbes: number;
  /** Seconds for which a more preferred peer must have answered before packets go to it again. */
  readonly holdDownSeconds: number;
}

export interface BundleEndpoint {
  readonly address: string;
  readonly port: number;
}

/** When an edge leaves a path by which its peer does not answer, and when it comes back (RFC 4555 section 3.10). */
export interface BundlePathWatch {
  /** Milliseconds from one probe of the path in use to the next. */
  readonly probeIntervalMilliseconds: number;
  /** Unanswered repetitions in a row after which all other paths are tried. */
  readonly missedProbes: number;
  /** Seconds for which a more preferred path must have answered before packets go by it again. */
  readonly holdDownSeconds: number;
}

/** A tunnel with an edge or a gateway, which is somewhere, or with a remote host, which comes from anywhere. */
export type BundleTunnel = PlacedTunnel | RemoteHostTunnel;

export interface PlacedTunnel extends CommonTunnel {
  readonly remote: BundleEndpoint;
  /** Of its other uplinks, in order of preference; absent: it has one. */
  readonly otherRemotes?: readonly BundleEndpoint[];
  readonly remoteAccess?: undefined;
}

export interface RemoteHostTunnel extends CommonTunnel {
  readonly remote?: undefined;
  readonly otherRemotes?: undefined;
  readonly external: BundleExternalPeer;
  readonly remoteAccess: BundleRemoteAccess;
}

/** What an edge assigns to a remote host by the configuration payload (RFC 7296 section 3.15); canonical texts. */
export interface BundleRemoteAccess {
  /** One of each IP version at most, IPv4 first. */
  readonly addresses: readonly string[];
  readonly nameServers: readonly string[];
  /** The domains to ask them about (RFC 8598); none: everything. */
  readonly domains: readonly string[];
}

interface CommonTunnel {
  readonly tunnelId: string;
  /** Of an external peer its identifier. */
  readonly peerEdgeId: string;
  readonly peerName: string;
  readonly keying: BundleKeying;
  readonly profile: BundleProfile;
  /** The peer is none of ours; absent: an edge. */
  readonly external?: BundleExternalPeer;
  /**
   * Remote addresses of packets that go into it when their entry names no tunnel: a list for each family that there is. No other tunnel,
   * nor group, has one of them. Absent: none, as in a tunnel of a group, which has them in its place.
   */
  readonly carries?: readonly BundleAddressList[];
}

/** What an edge must know of a gateway that is not ours, or of a remote host. */
export interface BundleExternalPeer {
  readonly remoteIdentity: BundleIdentity;
  readonly authentication: BundleExternalAuthentication;
  /** Traffic selectors of the Child SA, at our end and behind the gateway, or of the host; ascending. */
  readonly localAddresses: readonly BundleAddressRange[];
  readonly remoteAddresses: readonly BundleAddressRange[];
}

/** How both ends prove who they are. */
export type BundleExternalAuthentication =
  | { readonly kind: 'pre_shared_key'; readonly localIdentity: BundleIdentity; readonly commitment: string }
  /** Lower-case hex of DER. The edge shows its own certificate, and the subject of that as its identity. */
  | { readonly kind: 'pinned_certificates'; readonly certificates: readonly string[] };

/** An identity as IKE carries it (RFC 7296 section 3.5): IANA identification type, and data. */
export interface BundleIdentity {
  readonly type: 1 | 2 | 3 | 5 | 11;
  readonly data: Uint8Array;
}

/** Who makes the keys of a tunnel, and how the edges negotiate when it is they. */
export type BundleKeying =
  | { readonly mode: 'ike-less' }
  | { readonly mode: 'controller-blind'; readonly lifetimes: BundleKeyLifetimes }
  | { readonly mode: 'ikev2'; readonly ike: BundleIke; readonly trap?: BundleTrap };

/** The tunnel is negotiated when there is a packet for it; without one for so many seconds it ends. */
export interface BundleTrap {
  /** Absent: it stays. */
  readonly idleSeconds?: number;
}

/** How old keys may become on which two edges have agreed by relayed messages. */
export interface BundleKeyLifetimes {
  /** Then the edges agree on others. */
  readonly softLifetimeSeconds: number;
  /** Then they end, whatever has or has not taken their place. */
  readonly hardLifetimeSeconds: number;
}

export interface BundleIke {
  /** Preferred first. */
  readonly proposals: readonly BundleIkeProposal[];
  /** For the rekeying of Child SAs; absent: from the keys of the IKE SA alone. */
  readonly childKeyExchange?: BundleKeyExchange | undefined;
  readonly ikeLifetimeSeconds: number;
  readonly childLifetimeSeconds: number;
  readonly livenessSeconds: number;
}

/** Encrypts and authenticates at once. Keys of ChaCha20 have 256 bits (RFC 7634 section 2). */
export type CombinedMode = 'aes-gcm-16' | 'chacha20-poly1305';

export interface BundleIkeProposal {
  readonly encryption: CombinedMode;
  readonly keyBits: 128 | 192 | 256;
  readonly prf: 'hmac-sha2-256' | 'hmac-sha2-384' | 'hmac-sha2-512';
  readonly keyExchange: BundleKeyExchange;
}

/** IANA transform type 4 numbers: a method, and what is added to it (RFC 9370). */
export interface BundleKeyExchange {
  readonly method: KeyExchangeMethod;
  readonly additionalMethods: readonly KeyExchangeMethod[];
}

export type KeyExchangeMethod = 19 | 20 | 21 | 31 | 32 | 35 | 36 | 37;

export type BundleProfile = BundleEspProfile | BundleAhProfile;

export interface BundleEspProfile extends CommonProfile {
  /** Absent in revisions from before there was a choice. */
  readonly protocol?: 'esp';
  readonly encryption: CombinedMode;
  readonly keyBits: 128 | 192 | 256;
  /** What ESP travels in; absent: UDP. */
  readonly encapsulation?: Encapsulation;
}

/** Packets are authenticated, with their outer header, and not encrypted (RFC 4302 section 1). */
export interface BundleAhProfile extends CommonProfile {
  readonly protocol: 'ah';
  readonly integrity: 'hmac-sha2-256-128';
}

interface CommonProfile {
  /** Absent: tunnel mode. In transport mode ESP is never in UDP, and packets go between the underlay addresses of two edges. */
  readonly mode?: 'transport';
  readonly replayWindow: number;
  readonly extendedSequenceNumbers: boolean;
}

/** One SPD entry, written from the local side (RFC 4301 section 4.4.1). */
export type BundleSecurityPolicy = {
  readonly entryId: string;
  readonly ruleId: string;
  readonly selector: BundleSelector;
} & (
  | {
      readonly action: 'PROTECT';
      /** Of a tunnel or a group; absent: whichever carries the remote address ("populate from packet", section 4.4.1.2). */
      readonly tunnelId?: string;
    }
  | { readonly action: 'DISCARD' }
  | { readonly action: 'BYPASS' }
);

/** Conjunction of its fields; an empty list matches every value. */
export interface BundleSelector {
  readonly localAddresses: BundleAddressList;
  readonly remoteAddresses: BundleAddressList;
  /** IANA protocol number. */
  readonly protocol: number | 'any';
  readonly localPorts: readonly BundlePortRange[];
  readonly remotePorts: readonly BundlePortRange[];
}

/** Ascending and apart; of one family, where it stands in an entry. Entries, tunnels and bundles share them. */
export type BundleAddressList = readonly BundleAddressRange[];

/** Inclusive; 4 or 16 octets each. */
export interface BundleAddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

export interface BundlePortRange {
  readonly first: number;
  readonly last: number;
}
