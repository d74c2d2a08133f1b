import { familyIntersection, familyUnion, isEmpty, NO_RANGES } from '../address/family.js';
import { parsePrefixText, rangesOfPrefix } from '../address/prefix.js';
import type { BundleEspProfile, BundleIdentity, BundleIkeProposal, BundleKeyExchange } from '../bundle.js';
import { parseIkeIdentity } from '../external-identity.js';
import { edgeSubject, type PeerEntry } from '../fabric/peer-section.js';
import type { ExternalEspProposal, IntentExternalPeer, IntentProfile } from '../intent.js';
import { readPinnedCertificate } from '../pinned-certificate.js';
import type { Owner, Topology } from '../topology.js';
import type { DescribedPeer } from './described-peer.js';
import type { Finding } from './finding.js';
import type { Packet } from './packet.js';

export interface Negotiation {
  /** The edge that would initiate, as it shows itself. */
  readonly own: DescribedPeer;
  /** How it has the peer. */
  readonly peer: PeerEntry;
  /** How the peer is. */
  readonly described: DescribedPeer;
  readonly owner: Owner | undefined;
  readonly topology: Topology;
}

/**
 * What an IKE negotiation with an external peer would fail with (RFC 7296 sections 2.7, 2.9 and 2.15), named by the notify
 * that the responder would send. Two of our edges have one profile and one authority, which is compared elsewhere.
 */
export function predictIke({ own, peer, described, owner, topology }: Negotiation): readonly Finding[] {
  if (owner?.kind !== 'external') return [];
  const external = owner.peer;
  const report = reporter([own.peerId, peer.peerId]);
  return [
    ...peer.profiles.flatMap((profile) => predictProposals(profile, external, report)),
    ...predictAuthentication(own, described, external, report),
    ...predictSelectors(peer, external, topology, report),
  ];
}

/** The two ends of a tunnel between edges of ours. */
export function predictProfiles(
  one: PeerEntry,
  other: PeerEntry,
  edgeIds: readonly string[],
  counterexample: Packet | undefined,
): readonly Finding[] {
  const findings: Finding[] = [];
  const byId = new Map(other.profiles.map((profile) => [profile.id, profile]));
  for (const profile of one.profiles) {
    const back = byId.get(profile.id);
    const base = { edgeIds, ruleId: undefined, counterexample };
    if (back === undefined) {
      findings.push({
        ...base,
        kind: 'one_sided_peer',
        detail: `Only one end has a tunnel with the profile "${profile.name}".`,
        fix: 'Give both ends the tunnel, or neither.',
      });
      continue;
    }
    const field =
      proposalMismatch(profile.ike.proposals, back.ike.proposals) ?? childMismatch(profile, [childOffer(back)]);
    if (field === undefined) continue;
    findings.push({
      ...base,
      kind: 'no_proposal_chosen',
      detail: `IKE would answer NO_PROPOSAL_CHOSEN: the two ends of the profile "${profile.name}" have no ${field} in common.`,
      fix: `Give both ends the same ${field}.`,
    });
  }
  if (other.profiles.length > one.profiles.length && findings.length === 0) {
    findings.push({
      kind: 'one_sided_peer',
      detail: 'Only one end has a tunnel with some profile.',
      fix: 'Give both ends the tunnel, or neither.',
      edgeIds,
      ruleId: undefined,
      counterexample,
    });
  }
  return findings;
}

type Report = (kind: Finding['kind'], detail: string, fix: string) => Finding;

function predictProposals(profile: IntentProfile, external: IntentExternalPeer, report: Report): readonly Finding[] {
  const ike = proposalMismatch(profile.ike.proposals, external.ikeProposals);
  const esp = childMismatch(profile, external.espProposals.map(espOffer));
  return [
    ...(ike === undefined ? [] : [['IKE', ike] as const]),
    ...(esp === undefined ? [] : [['ESP', esp] as const]),
  ].map(([what, field]) =>
    report(
      'no_proposal_chosen',
      `"${external.name}" would answer NO_PROPOSAL_CHOSEN: the profile "${profile.name}" offers no ${what} proposal with a ${field} that it accepts.`,
      `Use a profile whose ${field} is among those of "${external.name}", or have its operator accept ours.`,
    ),
  );
}

function predictAuthentication(
  own: DescribedPeer,
  described: DescribedPeer,
  external: IntentExternalPeer,
  report: Report,
): readonly Finding[] {
  const findings: Finding[] = [];
  const { expectedIdentity, authentication } = external;
  const pinned = authentication.kind === 'pinned_certificates';
  if (pinned) findings.push(...predictPinned(external, authentication.certificates, report));
  const shown = pinned ? edgeSubject(own.peerId) : (external.localIdentity ?? own.identity);
  if (expectedIdentity !== undefined && expectedIdentity !== shown) {
    findings.push(
      report(
        'authentication_failed',
        `"${external.name}" would answer AUTHENTICATION_FAILED: it expects the identity ${expectedIdentity}, and the edge shows ${shown} (IDi).`,
        `Have its operator expect ${shown}.`,
      ),
    );
  }
  if (authentication.kind !== 'certificate' || own.authentication.kind !== 'certificate') return findings;
  if (!authentication.trusts.includes(own.authentication.authority)) {
    findings.push(
      report(
        'authentication_failed',
        `"${external.name}" would answer AUTHENTICATION_FAILED: it does not trust ${own.authentication.authority}, which the certificate of the edge is from.`,
        `Have its operator trust ${own.authentication.authority}.`,
      ),
    );
  }
  if (described.identity === '') {
    findings.push(report('authentication_failed', `"${external.name}" shows no identity (IDr).`, 'Name its identity.'));
  }
  return findings;
}

/**
 * The certificate of the peer has to name its identity (RFC 4945 section 3.1). Where only certificates are pinned that issue none,
 * it is one of them, and what it names is known.
 */
function predictPinned(
  { name, identity }: IntentExternalPeer,
  certificates: readonly string[],
  report: Report,
): readonly Finding[] {
  const wanted = parseIkeIdentity(identity);
  const pinned = certificates.flatMap((certificate) => readPinnedCertificate(certificate) ?? []);
  if (wanted === undefined || pinned.some(({ authority }) => authority)) return [];
  const names = pinned.flatMap((certificate) => certificate.names);
  if (names.some((shown) => namesSame(shown, wanted))) return [];
  return [
    report(
      'authentication_failed',
      `Our edge would answer AUTHENTICATION_FAILED: no certificate that is pinned for "${name}" has ${identity} among its subject alternative names (IDr).`,
      `Name an identity that is in the certificate, or pin one that has ${identity}.`,
    ),
  ];
}

/** "Case-insensitive string comparison MUST be performed" (RFC 4945 sections 3.1.2 and 3.1.3). */
function namesSame(shown: BundleIdentity, wanted: BundleIdentity): boolean {
  const folded = ({ type, data }: BundleIdentity) =>
    type === 2 || type === 3 ? String.fromCharCode(...data).toLowerCase() : data.join();
  return shown.type === wanted.type && folded(shown) === folded(wanted);
}

/** The responder narrows to what both admit (RFC 7296 section 2.9); when nothing is left it answers TS_UNACCEPTABLE. */
function predictSelectors(
  peer: PeerEntry,
  external: IntentExternalPeer,
  topology: Topology,
  report: Report,
): readonly Finding[] {
  if (external.admits.length === 0) return [];
  const admitted = familyUnion(
    external.admits.map((text) => {
      const parsed = parsePrefixText(text);
      return parsed.ok ? rangesOfPrefix(parsed.prefix) : NO_RANGES;
    }),
  );
  const ours = topology.owners.filter(({ kind }) => kind === 'edge');
  if (ours.some(({ ranges }) => !isEmpty(familyIntersection(ranges, admitted)))) return [];
  return [
    report(
      'ts_unacceptable',
      `"${external.name}" would answer TS_UNACCEPTABLE: it admits ${external.admits.join(', ')}, where none of our networks is (TSi).`,
      `Have its operator admit the networks that reach ${peer.name}, or correct "admits".`,
    ),
  ];
}

function proposalMismatch(
  ours: readonly BundleIkeProposal[],
  theirs: readonly BundleIkeProposal[],
): string | undefined {
  return firstMissing(ours, theirs, [
    ['encryption algorithm', ({ encryption, keyBits }) => `${encryption}-${keyBits}`],
    ['pseudorandom function', ({ prf }) => prf],
    ['key exchange', ({ keyExchange }) => keyExchangeText(keyExchange)],
  ]);
}

/** A proposal for a Child SA: "each proposal is for a single protocol" (RFC 7296 section 3.3). */
type ChildOffer = {
  readonly protocol: 'esp' | 'ah';
  readonly mode: 'tunnel' | 'transport';
  readonly algorithm: string;
  readonly extendedSequenceNumbers: boolean;
  readonly keyExchange: BundleKeyExchange | undefined;
};

function childOffer({ esp, ike }: IntentProfile): ChildOffer {
  const { extendedSequenceNumbers, mode = 'tunnel' } = esp;
  const keyExchange = ike.childKeyExchange;
  if (esp.protocol !== 'ah') return { ...espOffer({ ...esp, keyExchange }), mode };
  return { protocol: 'ah', mode, algorithm: esp.integrity, extendedSequenceNumbers, keyExchange };
}

/** Of ours, or of an external peer, of which less is known. */
type EspOffer = Omit<ExternalEspProposal, 'encryption'> & Pick<BundleEspProfile, 'encryption'>;

function espOffer({ encryption, keyBits, extendedSequenceNumbers, keyExchange }: EspOffer): ChildOffer {
  const algorithm = `${encryption}-${keyBits}`;
  return { protocol: 'esp', mode: 'tunnel', algorithm, extendedSequenceNumbers, keyExchange };
}

function childMismatch(profile: IntentProfile, theirs: readonly ChildOffer[]): string | undefined {
  const what = profile.esp.protocol === 'ah' ? 'integrity algorithm' : 'encryption algorithm';
  return firstMissing<ChildOffer>([childOffer(profile)], theirs, [
    ['security protocol', ({ protocol }) => protocol],
    // Who requires transport mode grants no other, and deletes what is granted in another (RFC 7296 section 1.3.1).
    ['mode', ({ mode }) => mode],
    [what, ({ algorithm }) => algorithm],
    ['sequence number size', ({ extendedSequenceNumbers }) => String(extendedSequenceNumbers)],
    ['key exchange', ({ keyExchange }) => keyExchangeText(keyExchange)],
  ]);
}

/** The first field in which no two proposals that agree so far agree; undefined when some two agree in all. */
function firstMissing<Proposal>(
  ours: readonly Proposal[],
  theirs: readonly Proposal[],
  fields: readonly (readonly [name: string, value: (proposal: Proposal) => string])[],
): string | undefined {
  let pairs = ours.flatMap((one) => theirs.map((other) => [one, other] as const));
  for (const [name, value] of fields) {
    pairs = pairs.filter(([one, other]) => value(one) === value(other));
    if (pairs.length === 0) return name;
  }
  return undefined;
}

function keyExchangeText(exchange: BundleKeyExchange | undefined): string {
  return exchange === undefined ? 'none' : [exchange.method, ...exchange.additionalMethods].join('+');
}

function reporter(edgeIds: readonly string[]): Report {
  return (kind, detail, fix) => ({ kind, detail, fix, edgeIds, ruleId: undefined, counterexample: undefined });
}
