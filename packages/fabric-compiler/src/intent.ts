import type { BundleEspProfile, BundleIke, BundleIkeProposal, BundleKeyExchange, BundleProfile } from './bundle.js';

/**
 * What the operator wants, as plain values: the whole input of the compiler.
 * Order means something in `policies` and in `rules` only.
 */
export interface FabricIntent {
  readonly tenantId: string;
  readonly sites: readonly IntentSite[];
  readonly networks: readonly IntentNetwork[];
  readonly edges: readonly IntentEdge[];
  readonly policies: readonly IntentPolicy[];
  /** Who makes the traffic keys. Absent in revisions from before there was a choice: then the controller does. */
  readonly keyingMode?: KeyingMode;
  readonly groups?: readonly IntentGroup[];
  /** Named services; rules refer to them. */
  readonly services?: readonly IntentService[];
  readonly profiles?: readonly IntentProfile[];
  /** The profile of rules that name none. Absent: that of the product. */
  readonly defaultProfileId?: string;
  readonly addressPools?: readonly IntentAddressPool[];
  readonly externalPeers?: readonly IntentExternalPeer[];
  /** Which sites have tunnels with each other; absent means a full mesh. */
  readonly topology?: IntentTopology;
  /** What operators say must be so, whatever the rules become. */
  readonly policyTests?: readonly IntentPolicyTest[];
  /** What ESP travels in. Absent in revisions from before there was a choice: then UDP. */
  readonly encapsulation?: Encapsulation;
  /** What protects packets between edges. Absent in revisions from before there was a choice: then ESP. */
  readonly securityProtocol?: SecurityProtocol;
  /** What of packets between edges is protected. Absent in revisions from before there was a choice: then tunnel mode. */
  readonly mode?: IpsecMode;
  /** When tunnels are negotiated that no rule says it of. Absent: at once. */
  readonly tunnelStart?: TunnelStart;
}

/**
 * When edges negotiate a tunnel, in the words of strongSwan's start_action. `start`: as soon as they know of it, and again whenever it is
 * lost. `trap`: when there is a packet for it and no SA (RFC 4301 section 5.1); without a packet for so many seconds it ends until there is
 * one again, and without `idleSeconds` it stays.
 */
export type TunnelStart = { readonly kind: 'start' } | { readonly kind: 'trap'; readonly idleSeconds?: number };

/**
 * `tunnel`: whole packets, from site to site. `transport`: what follows the header of packets from host to host: each site is one
 * host, and its only address in the fabric is the underlay address of its edge (RFC 4301 section 4.1).
 */
export type IpsecMode = 'tunnel' | 'transport';

/**
 * `esp`: packets are encrypted and authenticated. `ah`: they are authenticated, with their outer header, and everybody on the
 * underlay can read them (RFC 4302 section 1).
 */
export type SecurityProtocol = 'esp' | 'ah';

/**
 * `ikev2`: the edges, between themselves; `ike-less`: the controller (RFC 9061); `controller-blind`: the edges, by signed messages that
 * the controller relays and learns no key from.
 */
export type KeyingMode = 'ikev2' | 'ike-less' | 'controller-blind';

/**
 * `udp`: ESP in UDP (RFC 3948), whether or not there is a NAT. `none`: directly on IP (RFC 9061: espencap); edges that
 * negotiate use UDP all the same where they find a NAT (RFC 7296 section 2.23).
 */
export type Encapsulation = 'udp' | 'none';

export interface IntentSite {
  readonly id: string;
  readonly name: string;
  readonly labels?: Labels;
}

export type Labels = Readonly<Record<string, string>>;

/** A prefix behind the edge of a site, in the overlay. */
export interface IntentNetwork {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  /** `address/length`, IPv4 or IPv6, no host bits. */
  readonly prefix: string;
  readonly labels?: Labels;
  /**
   * Where the network stands in the overlay, when another site uses the same prefix: as long as `prefix`, and mapped 1:1,
   * host by host. Rules, routes and tunnels know this prefix only.
   */
  readonly mappedPrefix?: string;
}

/** Sites and networks by their labels, by name, or both: whatever any of the members holds. */
export interface IntentGroup {
  readonly id: string;
  readonly name: string;
  readonly members: readonly GroupMember[];
}

export type GroupMember =
  | Exclude<Selector, { readonly kind: 'any' } | { readonly kind: 'group' }>
  | { readonly kind: 'site_labels'; readonly labels: Labels }
  | { readonly kind: 'network_labels'; readonly labels: Labels };

export interface IntentService {
  readonly id: string;
  readonly name: string;
  readonly services: readonly Service[];
}

/** IPsec parameters of the tunnels that a rule protects traffic with; `esp` is what protects packets, and may be AH. */
export interface IntentProfile {
  readonly id: string;
  readonly name: string;
  readonly esp: BundleProfile;
  readonly ike: BundleIke;
}

/**
 * Addresses that the edge of a site assigns to remote hosts (RFC 7296 section 3.15). All of them are routed into the fabric; only those
 * that are assigned are somebody's.
 */
export interface IntentAddressPool {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  /** `address/length`, IPv4 or IPv6, no host bits. */
  readonly prefix: string;
  /** Addresses of name servers for the hosts (INTERNAL_IP4_DNS, INTERNAL_IP6_DNS). Absent: none. */
  readonly nameServers?: readonly string[];
  /** The domains to ask them about (RFC 8598), without the final dot. Absent: everything. */
  readonly domains?: readonly string[];
}

/** Who has a tunnel with an edge and is none of ours: a gateway, or a remote host. */
export type IntentExternalPeer = IntentGateway | IntentRemoteHost;

/** A gateway that is not ours, as its operator configured it. */
export interface IntentGateway extends CommonPeer {
  /** Remote hosts have one. */
  readonly kind?: undefined;
  readonly address: string;
  readonly port: number;
  /** Prefixes behind it; its traffic selectors admit these and no others. */
  readonly prefixes: readonly string[];
}

/** A host that begins from whatever address it has, and is assigned addresses of the overlay: what it has in the fabric is these. */
export interface IntentRemoteHost extends CommonPeer {
  readonly kind: 'remote_host';
  /** One for each IP version, of pools of the same site. */
  readonly assigned: readonly AssignedAddress[];
}

export interface AssignedAddress {
  readonly addressPoolId: string;
  readonly address: string;
}

interface CommonPeer {
  readonly id: string;
  readonly name: string;
  /** What it shows in IDr or IDi. */
  readonly identity: string;
  readonly authentication: PeerAuthenticationMethod;
  /** Prefixes of ours that its traffic selectors admit; an empty list is all of them. */
  readonly admits: readonly string[];
  /** What it accepts, preferred first. */
  readonly ikeProposals: readonly ExternalIkeProposal[];
  readonly espProposals: readonly ExternalEspProposal[];
  /** Sites whose edges have a tunnel with it. */
  readonly gatewaySiteIds: readonly string[];
  /** The identity that it expects of our edges; absent: the one that they show. */
  readonly expectedIdentity?: string;
  /** What our edges show to it; absent: the one that each edge has in its certificate, and with pinned certificates the only one. */
  readonly localIdentity?: string;
  /** What our edges offer it, whatever the profile of a rule; absent: that profile. */
  readonly offer?: { readonly esp: BundleEspProfile; readonly ike: BundleIke };
}

export type PeerAuthenticationMethod =
  /** `commitment`: what the key is, without giving it away; lower-case hex of 32 octets. Absent: nobody has set a key. */
  | { readonly kind: 'pre_shared_key'; readonly commitment?: string }
  | { readonly kind: 'certificate'; readonly authority: string; readonly trusts: readonly string[] }
  /**
   * Of an external peer: it shows a certificate that is one of these or comes from one of these, X.509 as lower-case hex of DER; and
   * it trusts the authority that our edges have their certificates from.
   */
  | { readonly kind: 'pinned_certificates'; readonly certificates: readonly string[] };

/** Of a gateway that is not ours AES-GCM is known, no more. */
export type ExternalIkeProposal = BundleIkeProposal & { readonly encryption: 'aes-gcm-16' };

export interface ExternalEspProposal {
  readonly encryption: 'aes-gcm-16';
  readonly keyBits: 128 | 192 | 256;
  readonly extendedSequenceNumbers: boolean;
  readonly keyExchange: BundleKeyExchange | undefined;
}

export type IntentTopology =
  | { readonly kind: 'full_mesh' }
  /** Every other site has a tunnel with its hub only, the first one unless `homes` says otherwise; hubs relay. */
  | {
      readonly kind: 'hub_and_spoke';
      readonly hubSiteIds: readonly string[];
      readonly homes?: readonly { readonly siteId: string; readonly hubSiteId: string }[];
    }
  /** Sites of one mesh have tunnels with each other; a site may be in several. */
  | { readonly kind: 'partial_mesh'; readonly meshes: readonly (readonly string[])[] }
  /** Exactly these tunnels; the relays pass on what is not for them. */
  | {
      readonly kind: 'custom_links';
      readonly links: readonly { readonly siteIds: readonly [string, string] }[];
      readonly relaySiteIds: readonly string[];
    };

/** "branch can reach db:5432", "guest cannot reach anything". */
export interface IntentPolicyTest {
  readonly id: string;
  readonly name: string;
  readonly sources: readonly Selector[];
  readonly destinations: readonly Selector[];
  readonly services: readonly Service[];
  /** Of all packets that open such flows. */
  readonly expect: 'allowed' | 'denied';
}

export interface IntentEdge {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  /** Where the edge receives ESP in UDP. */
  readonly underlayAddress: string;
  readonly underlayPort: number;
  /** Where it receives too, on other uplinks, in order of preference after that one and at the same port. Absent: it has one uplink. */
  readonly otherUnderlayAddresses?: readonly string[];
  /**
   * Among the edges of its site: which one carries the traffic as long as it answers. 1 comes first. Absent in revisions from
   * before sites had several: then 1.
   */
  readonly preference?: number;
}

export interface IntentPolicy {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** What its rules protect must be encrypted: where AH would protect it, the intent is refused. Absent: no. */
  readonly confidential?: boolean;
  readonly rules: readonly Rule[];
}

export type RuleAction = 'PROTECT' | 'DISCARD' | 'BYPASS';

/** Governs both directions of the flows that `sources` open towards `destinations`. */
export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly action: RuleAction;
  readonly sources: readonly Selector[];
  readonly destinations: readonly Selector[];
  readonly services: readonly Service[];
  /** Named services, in addition to `services`. */
  readonly serviceIds?: readonly string[];
  /** Absent: the default profile of the tenant. */
  readonly profileId?: string;
  /** When the tunnels are negotiated that it protects traffic with; absent: as the tenant has it. */
  readonly tunnelStart?: TunnelStart;
  /** A disabled rule gives no entries and no problems; absent means enabled. */
  readonly enabled?: boolean;
}

export type Selector =
  | { readonly kind: 'any' }
  | { readonly kind: 'site'; readonly siteId: string }
  | { readonly kind: 'network'; readonly networkId: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'group'; readonly groupId: string }
  | { readonly kind: 'address_pool'; readonly addressPoolId: string }
  | { readonly kind: 'external_peer'; readonly externalPeerId: string };

export type ServiceProtocol = 'any' | 'tcp' | 'udp' | 'icmp' | 'icmpv6';

export interface Service {
  readonly protocol: ServiceProtocol;
  /** Destination ports; an empty list is all of them. */
  readonly ports: readonly IntentPortRange[];
}

/** Inclusive at both ends. */
export interface IntentPortRange {
  readonly first: number;
  readonly last: number;
}
