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
}

/** `ikev2`: the edges, between themselves; `ike-less`: the controller (RFC 9061). */
export type KeyingMode = 'ikev2' | 'ike-less';

export interface IntentSite {
  readonly id: string;
  readonly name: string;
}

/** A prefix behind the edge of a site, in the overlay. */
export interface IntentNetwork {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  /** `address/length`, IPv4 or IPv6, no host bits. */
  readonly prefix: string;
}

export interface IntentEdge {
  readonly id: string;
  readonly siteId: string;
  readonly name: string;
  /** Where the edge receives ESP in UDP. */
  readonly underlayAddress: string;
  readonly underlayPort: number;
}

export interface IntentPolicy {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
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
  /** A disabled rule gives no entries and no problems; absent means enabled. */
  readonly enabled?: boolean;
}

export type Selector =
  | { readonly kind: 'any' }
  | { readonly kind: 'site'; readonly siteId: string }
  | { readonly kind: 'network'; readonly networkId: string }
  | { readonly kind: 'prefix'; readonly prefix: string };

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
