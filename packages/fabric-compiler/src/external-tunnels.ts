import { type AddressSet, ownersIn } from './address/address-set.js';
import { FAMILIES, type FamilyRanges, familyIntersection, familyUnion, isEmpty, NO_RANGES } from './address/family.js';
import { octetsFromNumber } from './address/octets.js';
import { parsePrefixText, rangesOfPrefix } from './address/prefix.js';
import { parseAddressText } from './address/text.js';
import { MAX_DOMAINS, MAX_NAME_SERVERS, remoteAccessOf } from './address-pools.js';
import { hasBit, membersOf } from './bitset.js';
import type {
  BundleAddressRange,
  BundleExternalAuthentication,
  BundleExternalPeer,
  BundleIdentity,
  BundleRemoteAccess,
  BundleTunnel,
} from './bundle.js';
import type { TopologyEdge } from './edges.js';
import { parseIkeIdentity } from './external-identity.js';
import { externalTunnelIdOf } from './identifiers.js';
import type { FabricIntent, IntentExternalPeer, IntentRemoteHost, PeerAuthenticationMethod } from './intent.js';
import { readPinnedCertificate } from './pinned-certificate.js';
import type { CompileProblem, ProblemRule } from './problem.js';
import { DEFAULT_IKE, espProfile } from './profile.js';
import type { ResolvedRule } from './resolved-rule.js';
import type { Owner, ServedSite, Topology } from './topology.js';

/** An external peer and the one edge that has a tunnel with it. */
export interface ExternalTunnel {
  readonly edge: TopologyEdge;
  readonly site: ServedSite;
  /** The peer, as an owner of addresses. */
  readonly owner: Owner;
  /** But for its profile, and how it is negotiated: with those of the product, or what the peer is offered. */
  readonly tunnel: BundleTunnel;
}

/**
 * The tunnels with external peers, by number of the peer among the owners. What bundles cannot say of a peer is reported, and so
 * is what an edge could not negotiate with. `rules`: whom they let talk with a peer stands in the traffic selectors of its tunnel.
 */
export function externalTunnels(
  intent: FabricIntent,
  topology: Topology,
  rules: readonly ResolvedRule[],
  problems: CompileProblem[],
): ReadonlyMap<number, ExternalTunnel> {
  const tunnels = new Map<number, ExternalTunnel>();
  reportSharedIdentities(intent, problems);
  for (const [index, peer] of (intent.externalPeers ?? []).entries()) {
    const report: Report = (field, rule, detail, fix) =>
      problems.push({ pointer: `/externalPeers/${index}/${field}`, rule, detail, fix });
    const number = topology.numbers.get(peer.id);
    const owner = number === undefined ? undefined : topology.owners[number];
    const site = gatewaySite(peer, topology, report);
    if (number === undefined || owner === undefined || site === undefined) continue;
    const ours = familyUnion([site.ranges, ...partnersOf(number, rules, topology)]);
    const tunnel = tunnelWith(peer, { owner, site, ours }, intent, report);
    if (tunnel !== undefined) tunnels.set(number, { edge: site.edge, site, owner, tunnel });
  }
  return tunnels;
}

/** A host comes from anywhere, so that its identity alone says who it is: no other peer of the edge may have the same. */
function reportSharedIdentities({ externalPeers = [] }: FabricIntent, problems: CompileProblem[]): void {
  const placeOf = ({ gatewaySiteIds, identity }: IntentExternalPeer) =>
    `${gatewaySiteIds[0]} ${identity.toLowerCase()}`;
  const seen = new Map<string, IntentExternalPeer>();
  for (const [index, peer] of externalPeers.entries()) {
    const other = seen.get(placeOf(peer));
    if (other === undefined) {
      seen.set(placeOf(peer), peer);
      continue;
    }
    if (peer.kind !== 'remote_host' && other.kind !== 'remote_host') continue;
    problems.push({
      pointer: `/externalPeers/${index}/identity`,
      rule: 'duplicate_identity',
      detail: `The external peers "${other.name}" and "${peer.name}" show the edge of one site the same identity, ${peer.identity}, and one of them comes from anywhere: nobody could tell them apart.`,
      fix: 'Give each an identity of its own.',
    });
  }
}

type Report = (field: string, rule: ProblemRule, detail: string, fix: string) => void;

/** Exactly one edge negotiates with a peer: a gateway that is not ours has no two ways to one network. */
function gatewaySite(peer: IntentExternalPeer, { owners, numbers }: Topology, report: Report): ServedSite | undefined {
  const [siteId = '', ...others] = peer.gatewaySiteIds;
  if (others.length > 0 || siteId === '') {
    report(
      'gatewaySiteIds',
      'not_deliverable',
      `The external peer "${peer.name}" is at ${peer.gatewaySiteIds.length} sites.`,
      'Name the one site whose edge has the tunnel with it.',
    );
    return undefined;
  }
  const site = owners[numbers.get(siteId) ?? -1];
  // A site that does not exist is reported where it is named.
  // Without an edge there, which may have been revoked, nobody has a tunnel with it: as with a site that has none.
  if (site?.kind !== 'edge') return undefined;
  if (site.edges.length === 1) return site;
  report(
    'gatewaySiteIds/0',
    'not_deliverable',
    `The site "${site.name}", where the external peer "${peer.name}" is, has ${site.edges.length} edges, and a peer can have a tunnel with one only.`,
    'Let a site with a single edge have the tunnel.',
  );
  return undefined;
}

/** What everybody else has whom some rule lets talk with a peer, whoever opens the flows. */
function partnersOf(peer: number, rules: readonly ResolvedRule[], { ownership }: Topology): readonly FamilyRanges[] {
  const partners = new Set<number>();
  for (const { action, sources, destinations } of rules) {
    if (action !== 'PROTECT') continue;
    for (const [one, other] of [
      [sources, destinations],
      [destinations, sources],
    ] as const) {
      if (!holdsOwner(one, peer)) continue;
      for (const owner of membersOf(ownersIn(other))) if (owner !== peer) partners.add(owner);
    }
  }
  return [...partners].flatMap((owner) => ownership[owner] ?? []);
}

function holdsOwner(set: AddressSet, owner: number): boolean {
  return hasBit(set.present[4], owner) || hasBit(set.present[6], owner);
}

/** Where a tunnel with an external peer stands. */
interface ExternalPlace {
  /** The peer. */
  readonly owner: Owner;
  readonly site: ServedSite;
  /** What the peer is to reach on our side. */
  readonly ours: FamilyRanges;
}

function tunnelWith(
  peer: IntentExternalPeer,
  place: ExternalPlace,
  intent: FabricIntent,
  report: Report,
): BundleTunnel | undefined {
  const { site } = place;
  const external = externalPeer(peer, place, report);
  if (external === undefined) return undefined;
  const { esp, ike } = peer.offer ?? { esp: espProfile(intent), ike: DEFAULT_IKE };
  const common = {
    tunnelId: externalTunnelIdOf(site.edge.edgeId, peer.id),
    peerEdgeId: peer.id,
    peerName: peer.name,
    keying: { mode: 'ikev2', ike },
    profile: { ...espProfile(intent), ...esp },
    external,
  } as const;
  if (peer.kind === 'remote_host') {
    const remoteAccess = accessOf(peer, intent, report);
    return remoteAccess === undefined ? undefined : { ...common, remoteAccess };
  }
  const address = parseAddressText(peer.address);
  // An address that is none is reported where the peer is checked.
  if (address === undefined) return undefined;
  if (address.family !== site.edge.underlayFamily) {
    report(
      'address',
      'underlay_family_mismatch',
      `The edge "${site.edge.name}" (${site.edge.underlay.address}) cannot reach the external peer "${peer.name}" (${peer.address}): their addresses are of different IP versions.`,
      'Name the address of the peer in the IP version of the edge, or let another site have the tunnel.',
    );
    return undefined;
  }
  return { ...common, remote: { address: peer.address, port: peer.port } };
}

/** Two pools may name more than a host is told of. */
function accessOf(peer: IntentRemoteHost, intent: FabricIntent, report: Report): BundleRemoteAccess | undefined {
  const access = remoteAccessOf(peer, intent);
  const tooMany = access.nameServers.length > MAX_NAME_SERVERS || access.domains.length > MAX_DOMAINS;
  if (!tooMany) return access;
  report(
    'assigned',
    'too_many_entries',
    `The pools of the remote host "${peer.name}" have ${access.nameServers.length} name servers and ${access.domains.length} domains together; a host is told ${MAX_NAME_SERVERS} and ${MAX_DOMAINS}.`,
    'Let both pools name the same ones, or fewer.',
  );
  return undefined;
}

function externalPeer(
  peer: IntentExternalPeer,
  { owner: { ranges }, site, ours }: ExternalPlace,
  report: Report,
): BundleExternalPeer | undefined {
  const remoteIdentity = identityOf(peer, 'identity', report);
  const authentication = authenticationOf(peer, report);
  const local = ofFamiliesOf(ranges, admitted(peer, ours));
  if (isEmpty(local)) {
    report(
      'admits',
      'matches_no_network',
      `The external peer "${peer.name}" admits no network of the site "${site.name}", or of others that may talk with it, in an IP version that it has networks of.`,
      'Add a network that it admits to the site, or correct what it admits and what is behind it.',
    );
    return undefined;
  }
  const [localAddresses, remoteAddresses] = [octetRanges(local), octetRanges(ofFamiliesOf(ours, ranges))];
  for (const [field, addresses] of [
    ['admits', localAddresses],
    ['prefixes', remoteAddresses],
  ] as const) {
    if (addresses.length <= MAX_SELECTORS) continue;
    report(
      field,
      'too_many_entries',
      `The Child SA with the external peer "${peer.name}" would have ${addresses.length} traffic selectors at one end; an edge takes ${MAX_SELECTORS}.`,
      'Join networks into fewer, wider prefixes.',
    );
    return undefined;
  }
  if (remoteIdentity === undefined || authentication === undefined) return undefined;
  return { remoteIdentity, authentication, localAddresses, remoteAddresses };
}

function identityOf(
  peer: IntentExternalPeer,
  field: 'localIdentity' | 'identity',
  report: Report,
): BundleIdentity | undefined {
  const text = peer[field] ?? '';
  const parsed = parseIkeIdentity(text);
  if (parsed === undefined) {
    const whose = field === 'identity' ? 'that the peer shows' : 'that our edge shows to the peer';
    report(
      field,
      'invalid_identity',
      `"${text.slice(0, 64)}" is not an identity ${whose} "${peer.name}".`,
      'Write a domain name, a mailbox, an IP address, or a key ID with "keyid:" before it.',
    );
  }
  return parsed;
}

function authenticationOf(peer: IntentExternalPeer, report: Report): BundleExternalAuthentication | undefined {
  const { authentication } = peer;
  if (authentication.kind === 'pinned_certificates') return pinnedCertificates(peer, authentication, report);
  const localIdentity = identityOf(peer, 'localIdentity', report);
  const commitment = commitmentOf(peer, report);
  if (localIdentity === undefined || commitment === undefined) return undefined;
  return { kind: 'pre_shared_key', localIdentity, commitment };
}

/** "When sending a certificate the ID payload has to be in it" (RFC 4945 section 3.1): both identities are such that one can have them. */
function pinnedCertificates(
  { name, identity, localIdentity }: IntentExternalPeer,
  { certificates }: Extract<PeerAuthenticationMethod, { readonly kind: 'pinned_certificates' }>,
  report: Report,
): BundleExternalAuthentication | undefined {
  const known = certificates.filter((certificate) => readPinnedCertificate(certificate) !== undefined);
  if (known.length < certificates.length || known.length === 0 || known.length > MAX_CERTIFICATES) {
    report(
      'authentication',
      'invalid_certificate',
      `Of the ${certificates.length} certificates of the external peer "${name}" ${known.length} are X.509 certificates; an edge takes 1 to ${MAX_CERTIFICATES}.`,
      'Pin the certificate of the authority that the gateway has its own from, or its own.',
    );
    return undefined;
  }
  if (localIdentity !== undefined) {
    report(
      'localIdentity',
      'invalid_identity',
      `With a certificate our edge shows the subject of it to the external peer "${name}", and no other identity.`,
      'Leave it out.',
    );
    return undefined;
  }
  if (parseIkeIdentity(identity)?.type === 11) {
    report(
      'identity',
      'invalid_identity',
      `The external peer "${name}" proves itself with a certificate, and no certificate names a key ID (RFC 4945 section 3.1).`,
      'Write a domain name, a mailbox or an IP address that is among the subject alternative names of its certificate.',
    );
    return undefined;
  }
  return { kind: 'pinned_certificates', certificates };
}

function commitmentOf({ name, authentication }: IntentExternalPeer, report: Report): string | undefined {
  if (authentication.kind !== 'pre_shared_key') {
    report(
      'authentication',
      'not_deliverable',
      `The external peer "${name}" proves itself with a certificate of which nobody has said what is to be believed.`,
      'Pin the certificate of the authority that it comes from, or use a pre-shared key.',
    );
    return undefined;
  }
  if (authentication.commitment === undefined) {
    report(
      'authentication',
      'missing_pre_shared_key',
      `The external peer "${name}" has no pre-shared key.`,
      'Set the key that its operator has.',
    );
  }
  return authentication.commitment;
}

/** What its traffic selectors admit of our addresses; no list: all of them. */
function admitted({ admits }: IntentExternalPeer, ranges: FamilyRanges): FamilyRanges {
  if (admits.length === 0) return ranges;
  const prefixes = admits.map((text) => {
    const parsed = parsePrefixText(text);
    return parsed.ok ? rangesOfPrefix(parsed.prefix) : NO_RANGES;
  });
  return familyIntersection(ranges, familyUnion(prefixes));
}

/** What has no counterpart in its own IP version stays out: no packet could be between the two. */
function ofFamiliesOf(others: FamilyRanges, ranges: FamilyRanges): FamilyRanges {
  return { 4: others[4].length > 0 ? ranges[4] : [], 6: others[6].length > 0 ? ranges[6] : [] };
}

function octetRanges(ranges: FamilyRanges): readonly BundleAddressRange[] {
  return FAMILIES.flatMap((family) =>
    ranges[family].map(({ first, last }) => ({
      first: octetsFromNumber(first, family),
      last: octetsFromNumber(last, family),
    })),
  );
}

/** What an edge takes of a peer. */
const MAX_CERTIFICATES = 8;
/** What an edge takes at each end of a Child SA. */
const MAX_SELECTORS = 32;
