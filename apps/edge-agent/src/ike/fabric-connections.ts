import {
  type ChildConfiguration,
  type Connection,
  type Credential,
  DIGITAL_SIGNATURE_ALGORITHMS,
  ENCR,
  type Endpoint,
  type HostConfiguration,
  ID_TYPE,
  type Identity,
  INTEG,
  type MobikePolicy,
  type NatTraversalPolicy,
  type SignatureAlgorithm,
  SN,
  TRANSFORM_TYPE,
  type Transform,
  transform,
  type WireSelector,
} from '@weft/ipsec-core/ike';
import type {
  CombinedMode,
  ExternalPeer,
  HostAssignment,
  HostTunnel,
  KeyExchangeMethods,
  NegotiationTerms,
  PathWatch,
  PlacedTunnel,
  ProtectionProfile,
  TunnelConfiguration,
  UnderlayAddress,
  VerifiedBundle,
} from '../control/bundle/verified-bundle.js';
import { authorityHash } from './credentials/authority.js';

/** What this edge shows of itself. */
export interface EdgeCredentials {
  readonly tenantId: string;
  readonly edgeId: string;
  readonly credential: Credential;
  /** DER of the subject of its certificate. */
  readonly subject: Uint8Array;
  /** SHA-1 of the SubjectPublicKeyInfo of the tenant's trust anchors. */
  readonly authorities: readonly Uint8Array[];
}

/**
 * The PAD and what is negotiated, from a bundle: one connection per tunnel that its ends key themselves, with the name
 * of the tunnel. With an edge it has one Child SA that admits every address. Which packets may pass is for the SPD to say, which both
 * edges have from the controller and hold against every packet in both directions: a change of policy then needs no new
 * associations, and two edges whose bundles change at different moments never disagree about selectors. In transport mode it admits
 * the addresses of the two edges. With a gateway that is no edge, whose SPD is its own, the Child SA admits what both were told; with
 * a host, the addresses that it is assigned.
 */
export function fabricConnections(bundle: VerifiedBundle, credentials: EdgeCredentials): readonly Connection[] {
  return [...bundle.tunnels.values()].flatMap((tunnel) =>
    tunnel.keying.mode === 'ikev2' ? [connectionOf(bundle, tunnel, tunnel.keying.negotiation, credentials)] : [],
  );
}

/** The name in the certificate of an edge, as an ID payload: a GeneralName of type uniformResourceIdentifier. */
export function edgeIdentity(tenantId: string, edgeId: string): Identity {
  const uri = Buffer.from(`spiffe://weft.internal/tenant/${tenantId}/edge/${edgeId}`);
  return { type: ID_TYPE.DER_ASN1_GN, data: Uint8Array.of(URI_NAME, uri.length, ...uri) };
}

function connectionOf(
  bundle: VerifiedBundle,
  tunnel: TunnelConfiguration,
  negotiation: NegotiationTerms,
  credentials: EdgeCredentials,
): Connection {
  const { underlay } = bundle;
  return {
    name: tunnel.tunnelId,
    local: { address: underlay.octets, port: underlay.port },
    ...authorizationEntry(bundle, tunnel, credentials),
    proposals: negotiation.proposals.map(({ prf, keyExchange, ...cipher }) => [
      encryptionTransform(cipher),
      transform(TRANSFORM_TYPE.PRF, prf),
      ...keyExchangeTransforms(keyExchange),
    ]),
    children: [childOf(tunnel, underlay, negotiation)],
    natTraversal: tunnel.remote === undefined ? hostNatTraversal(bundle) : natTraversalFor(tunnel.profile),
    lifetime: negotiation.ikeLifetime,
    livenessInterval: negotiation.livenessInterval,
    fragmentSize: FRAGMENT_SIZE,
  };
}

/** Who the peer is, and how each proves who it is (RFC 4301 section 4.4.3). */
type AuthorizationEntry = Pick<
  Connection,
  | 'remote'
  | 'localIdentity'
  | 'remoteIdentity'
  | 'localAuthentication'
  | 'remoteAuthentication'
  | 'mobike'
  | 'configuration'
  | 'uniqueness'
>;

function authorizationEntry(
  { pathWatch }: VerifiedBundle,
  tunnel: TunnelConfiguration,
  credentials: EdgeCredentials,
): AuthorizationEntry {
  if (tunnel.remote === undefined) return hostEntry(tunnel, credentials);
  const { external, remote } = tunnel;
  if (external === undefined) return edgeEntry(tunnel, pathWatch, credentials);
  // A gateway with an address of its own stays there: whoever comes from elsewhere is not it.
  return { remote: { kind: 'fixed', endpoint: endpointOf(remote) }, ...externalProof(external, credentials) };
}

/**
 * A host begins from wherever it is, and moves; one that comes back takes the place of what it left. Behind a NAT the address that
 * a certificate may name is not the one that its messages come from.
 */
function hostEntry({ external }: HostTunnel, credentials: EdgeCredentials): AuthorizationEntry {
  const { remoteAuthentication, ...proof } = externalProof(external, credentials);
  return {
    remote: { kind: 'anywhere' },
    ...proof,
    remoteAuthentication:
      remoteAuthentication.kind === 'psk' ? remoteAuthentication : { ...remoteAuthentication, anySourceAddress: true },
    mobike: { returnRoutability: 'before' },
    configuration: configurationOf(external.assignment),
    uniqueness: 'replace',
  };
}

/** A host gets these, whichever it asks for. */
function configurationOf({ addresses, nameServers, domains }: HostAssignment): HostConfiguration {
  return {
    kind: 'server',
    pools: [],
    fixed: addresses,
    dns: nameServers,
    domains,
    required: true,
  };
}

function edgeEntry(
  tunnel: PlacedTunnel,
  pathWatch: PathWatch | undefined,
  { tenantId, edgeId, credential, authorities }: EdgeCredentials,
): AuthorizationEntry {
  return {
    // An edge moves, or a NAT is before it: the certificate says which edge it is, wherever it begins from.
    remote: {
      kind: 'roaming',
      endpoint: endpointOf(tunnel.remote),
      others: (tunnel.otherRemotes ?? []).map(endpointOf),
    },
    localIdentity: edgeIdentity(tenantId, edgeId),
    remoteIdentity: edgeIdentity(tenantId, tunnel.peerEdgeId),
    localAuthentication: { kind: 'signature', credentials: [credential] },
    remoteAuthentication: { kind: 'signature', authorities, algorithms: EDGE_ALGORITHMS },
    // In transport mode the addresses are part of what is protected (RFC 4555 section 1.2).
    ...(tunnel.profile.mode === 'tunnel' ? { mobike: mobikeOf(pathWatch) } : {}),
  };
}

function mobikeOf(watch: PathWatch | undefined): MobikePolicy {
  if (watch === undefined) return { returnRoutability: 'before' };
  const { probeInterval: interval, missedProbes: missed, holdDown } = watch;
  return { returnRoutability: 'before', watch: { interval, patience: interval, missed, holdDown } };
}

function endpointOf({ octets, port }: UnderlayAddress): Endpoint {
  return { address: octets, port };
}

function externalProof({ remoteIdentity, authentication }: ExternalPeer, { credential, subject }: EdgeCredentials) {
  if (authentication.kind === 'pre_shared_key') {
    const { localIdentity, key } = authentication;
    const proof = { kind: 'psk', key } as const;
    return { localIdentity, remoteIdentity, localAuthentication: proof, remoteAuthentication: proof };
  }
  return {
    // "MUST populate ID with the Subject field from the end-entity certificate", for a binary comparison (RFC 4945 section 3.1.5).
    localIdentity: { type: ID_TYPE.DER_ASN1_DN, data: subject },
    remoteIdentity,
    localAuthentication: { kind: 'signature', credentials: [credential] } as const,
    remoteAuthentication: {
      kind: 'signature' as const,
      authorities: authentication.anchors.map(authorityHash),
      algorithms: DIGITAL_SIGNATURE_ALGORITHMS,
    },
  };
}

/**
 * AH takes no NAT at all, since it covers the addresses that one changes (RFC 3715 section 2.1): the end that finds one says
 * so, and nothing is negotiated (RFC 4555 section 3.9). That takes MOBIKE, which is not for transport mode: there a NAT is looked for,
 * and the Child SA refused.
 */
function natTraversalFor(profile: ProtectionProfile): NatTraversalPolicy {
  if (profile.mode === 'transport') return 'detected';
  if (profile.protocol === 'ah') return 'prohibited';
  return profile.encapsulation === 'udp' ? 'forced' : 'detected';
}

/**
 * Hosts come from behind whatever NAT or filter there is: ESP in UDP passes them all. Where an edge that may come from anywhere, too, is
 * not to claim a NAT, nobody does, since in IKE_SA_INIT nobody has said who it is: then a NAT is looked for.
 */
function hostNatTraversal({ tunnels }: VerifiedBundle): NatTraversalPolicy {
  const claimed = [...tunnels.values()].every(
    ({ external, keying, profile }) =>
      external !== undefined || keying.mode !== 'ikev2' || natTraversalFor(profile) === 'forced',
  );
  return claimed ? 'forced' : 'detected';
}

function childOf(
  { tunnelId, profile, external, remote }: TunnelConfiguration,
  underlay: UnderlayAddress,
  negotiation: NegotiationTerms,
): ChildConfiguration {
  const { childKeyExchange, childLifetime } = negotiation;
  return {
    name: tunnelId,
    protocol: profile.protocol,
    proposals: [
      [
        profile.protocol === 'ah'
          ? transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128)
          : encryptionTransform(profile),
        transform(TRANSFORM_TYPE.SN, profile.extendedSequenceNumbers ? SN.ESN : SN.NO_ESN),
        ...(childKeyExchange === undefined ? [] : keyExchangeTransforms(childKeyExchange)),
      ],
    ],
    ...(profile.mode === 'transport' && remote !== undefined
      ? { local: [onlyAddress(underlay)], remote: [onlyAddress(remote)], transportRequired: true }
      : {
          local: external?.local ?? EVERYTHING,
          remote: remote === undefined ? 'virtual' : (external?.remote ?? EVERYTHING),
        }),
    mode: profile.mode,
    // An edge like this one checks later fragments (RFC 4301 section 7.3); of others that is not known.
    nonFirstFragmentsAlso: external === undefined,
    lifetime: childLifetime,
  };
}

/** The Key Length attribute "MUST NOT be used with transforms that use a fixed-length key" (RFC 7296 section 3.3.5), as ChaCha20. */
function encryptionTransform({ suite, keyBits }: CombinedMode): Transform {
  return suite === 'aes-gcm-16'
    ? transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, keyBits)
    : transform(TRANSFORM_TYPE.ENCR, ENCR.CHACHA20_POLY1305);
}

function keyExchangeTransforms({ method, additional }: KeyExchangeMethods): readonly Transform[] {
  return [
    transform(TRANSFORM_TYPE.KE, method),
    ...additional.map((id, index) => transform(TRANSFORM_TYPE.ADDKE1 + index, id)),
  ];
}

function onlyAddress({ octets }: UnderlayAddress): WireSelector {
  return { type: 'range', protocol: 0, startPort: 0, endPort: 0xffff, first: octets, last: octets };
}

const EVERYTHING: readonly WireSelector[] = [4, 16].map((octets) => ({
  type: 'range',
  protocol: 0,
  startPort: 0,
  endPort: 0xffff,
  first: new Uint8Array(octets),
  last: new Uint8Array(octets).fill(0xff),
}));
/** Edges make keys of P-256; the others are for edges to come. What no edge signs with is not taken from anybody. */
const EDGE_ALGORITHMS: readonly SignatureAlgorithm[] = [
  'ecdsa-sha2-256',
  'ecdsa-sha2-384',
  'ecdsa-sha2-512',
  'ed25519',
];
/** Context tag 6 of GeneralName (RFC 5280 section 4.2.1.6). */
const URI_NAME = 0x86;
/** Fits every path that carries IPv6 (RFC 8200 section 5): 1280 octets less the headers of IPv6 and UDP, and the marker. */
const FRAGMENT_SIZE = 1280 - 40 - 8 - 4;
