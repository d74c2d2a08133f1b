import { toHex } from '../bytes/hex.js';
import { concatenate } from '../crypto/ike/prf.js';
import {
  algorithmIdentifier,
  CLASSIC_SIGNATURE_ALGORITHMS,
  DIGITAL_SIGNATURE_ALGORITHMS,
  HASH_OF,
  isClassic,
  methodOf,
  type SignatureAlgorithm,
} from '../crypto/ike/signature.js';
import { type AuthMethodAnnouncement, encodeAuthMethods, MAXIMUM_ANNOUNCEMENTS } from '../wire/ike/auth-methods.js';
import { AUTH_METHOD, CERT_ENCODING, HASH_ALGORITHM } from '../wire/ike/iana.js';
import type { CertificateRequestPayload } from '../wire/ike/payloads/certificate-request.js';
import { type NotifyPayload, notify } from '../wire/ike/payloads/notify.js';
import type { Connection, RemoteAuthentication } from './connection.js';

/** What the peer may sign with: as configured, else everything that we can verify. */
export function acceptedAlgorithms(remote: RemoteAuthentication): readonly SignatureAlgorithm[] {
  if (remote.kind === 'psk') return [];
  return remote.algorithms ?? EVERYTHING;
}

/** How a peer is asked to prove itself, as payloads. */
export interface ProofRequests {
  /** SIGNATURE_HASH_ALGORITHMS (RFC 7427 section 4); undefined where no side signs. */
  readonly hashes: NotifyPayload | undefined;
  /** CERTREQ (RFC 7296 section 3.7, RFC 7670 section 3) for what is trusted. */
  readonly certificates: readonly CertificateRequestPayload[];
  /** SUPPORTED_AUTH_METHODS (RFC 9593), for a peer that signs by RFC 7427 and for one that cannot. */
  readonly methods: { readonly digital: NotifyPayload; readonly classic: NotifyPayload };
}

/** @param candidates the connections that the peer may turn out to be of */
export function proofRequests(candidates: readonly Connection[]): ProofRequests {
  const hashes = signatureHashes(candidates);
  return {
    hashes: hashes && notify('SIGNATURE_HASH_ALGORITHMS', Uint8Array.from(hashes.flatMap((hash) => [0, hash]))),
    certificates: certificateRequests(candidates),
    methods: { digital: supportedMethods(candidates, false), classic: supportedMethods(candidates, true) },
  };
}

/** Connections with one key ask the same of their peers. */
export function requestKey(connection: Connection): string {
  const { remoteAuthentication: remote } = connection;
  if (remote.kind === 'psk') return `psk ${hashesOf(ownAlgorithms(connection))?.join() ?? 'none'}`;
  const { algorithms, authorities, rawPublicKeys } = remote;
  return JSON.stringify([algorithms, authorities?.map(toHex), rawPublicKeys === true]);
}

/** If both sent SIGNATURE_HASH_ALGORITHMS, "the authentication method specified in this … payload MUST be used" (RFC 7427 section 3). */
export function methodsFor({ methods }: ProofRequests, signsByRfc7427: boolean): NotifyPayload {
  return signsByRfc7427 ? methods.digital : methods.classic;
}

/**
 * The identity hash "MUST NOT be used if none of the supported and configured algorithms have this property", and where
 * all have it, "implementations SHOULD NOT have other hash algorithms in the notification" (RFC 8420 section 3). Towards a
 * peer that does not sign they are those that we sign with: the notification must have "been sent and received by each
 * peer" for that (RFC 7427 section 3). A peer that may only sign by methods before RFC 7427 is sent none: it would have to
 * use another.
 */
function signatureHashes(candidates: readonly Connection[]): readonly number[] | undefined {
  const accepted = hashesOf(candidates.flatMap(({ remoteAuthentication }) => acceptedAlgorithms(remoteAuthentication)));
  return accepted ?? hashesOf(candidates.flatMap(ownAlgorithms));
}

function hashesOf(algorithms: readonly SignatureAlgorithm[]): readonly number[] | undefined {
  const digital = new Set(algorithms.flatMap((algorithm) => (isClassic(algorithm) ? [] : [HASH_OF[algorithm]])));
  return digital.size === 0 ? undefined : HASHES.filter((hash) => digital.has(hash));
}

/** What we sign with for a peer that does not sign. */
function ownAlgorithms({ localAuthentication: own, remoteAuthentication: remote }: Connection) {
  return own.kind === 'psk' || remote.kind !== 'psk' ? [] : own.credentials.flatMap(({ algorithms }) => algorithms);
}

function certificateRequests(candidates: readonly Connection[]): readonly CertificateRequestPayload[] {
  const authorities = authoritiesOfAll(candidates).map(({ hash }) => hash);
  const request = (encoding: number, hashes: readonly Uint8Array[]) =>
    ({ kind: 'CERTREQ', encoding, authorities: concatenate(hashes) }) as const;
  const raw = candidates.some(
    ({ remoteAuthentication: remote }) => remote.kind === 'signature' && remote.rawPublicKeys === true,
  );
  return [
    ...(authorities.length === 0 ? [] : [request(CERT_ENCODING.X509_SIGNATURE, authorities)]),
    ...(raw ? [request(CERT_ENCODING.RAW_PUBLIC_KEY, [])] : []),
  ];
}

/** Where the candidates accept different algorithms, each announcement is linked to the authorities of its own. */
function supportedMethods(candidates: readonly Connection[], classic: boolean): NotifyPayload {
  const authorities = authoritiesOfAll(candidates);
  const signers = candidates.flatMap(({ remoteAuthentication: remote }) =>
    remote.kind === 'signature' ? [remote] : [],
  );
  const linked = new Set(signers.map((remote) => acceptedAlgorithms(remote).join())).size > 1;
  const announcements = new Map<string, AuthMethodAnnouncement>();
  for (const remote of signers) {
    const own = new Set(linked ? remote.authorities?.map(toHex) : []);
    const links = authorities.filter(({ key }) => own.has(key)).map(({ link }) => link);
    for (const algorithm of acceptedAlgorithms(remote).filter((candidate) => isClassic(candidate) === classic)) {
      for (const certLink of links.length === 0 ? [0] : links) {
        announcements.set(`${algorithm} ${certLink}`, announcement(algorithm, certLink));
      }
    }
  }
  const list: AuthMethodAnnouncement[] = [...announcements.values()];
  if (signers.length < candidates.length) list.push({ kind: 'method', method: AUTH_METHOD.SHARED_KEY });
  return notify('SUPPORTED_AUTH_METHODS', encodeAuthMethods(list.slice(0, MAXIMUM_ANNOUNCEMENTS)));
}

function announcement(algorithm: SignatureAlgorithm, certLink: number): AuthMethodAnnouncement {
  if (isClassic(algorithm)) return { kind: 'signature', method: methodOf(algorithm), certLink };
  return { kind: 'digital-signature', certLink, algorithm: algorithmIdentifier(algorithm) };
}

interface LinkedAuthority {
  readonly hash: Uint8Array;
  readonly key: string;
  /** Its place in CERTREQ, from 1. */
  readonly link: number;
}

function authoritiesOfAll(candidates: readonly Connection[]): readonly LinkedAuthority[] {
  const byKey = new Map<string, Uint8Array>();
  for (const { remoteAuthentication: remote } of candidates) {
    if (remote.kind !== 'signature') continue;
    for (const hash of remote.authorities ?? []) byKey.set(toHex(hash), hash);
  }
  return [...byKey].slice(0, MAXIMUM_AUTHORITIES).map(([key, hash], index) => ({ key, hash, link: index + 1 }));
}

const EVERYTHING: readonly SignatureAlgorithm[] = [...DIGITAL_SIGNATURE_ALGORITHMS, ...CLASSIC_SIGNATURE_ALGORITHMS];
/** SHA-1 is not among them: RFC 8247 section 3.2. */
const HASHES = [HASH_ALGORITHM.SHA2_256, HASH_ALGORITHM.SHA2_384, HASH_ALGORITHM.SHA2_512, HASH_ALGORITHM.IDENTITY];
/** As many as one octet can link to. Those beyond are not asked for; their certificates are taken all the same. */
const MAXIMUM_AUTHORITIES = 255;
