import { parseIkeIdentity } from '../external-identity.js';
import { edgeSubject } from '../fabric/peer-section.js';
import { readPinnedCertificate } from '../pinned-certificate.js';
import type { ServedSite } from '../topology.js';
import type { ImportReport } from './import-report.js';
import { listOf } from './proposals.js';
import type { ResolvedSection } from './resolved-settings.js';
import { writtenIdentity } from './written-identity.js';

/** Certificates that came with a text: lower-case hex of DER, by the names of their files. */
export type CertificateFiles = ReadonlyMap<string, string>;

/** What both ends show of themselves, and how they prove it; a key is looked up by both identities. */
export type ImportedProof =
  | { readonly kind: 'pre_shared_key'; readonly identity: string; readonly localIdentity: string }
  | { readonly kind: 'pinned_certificates'; readonly identity: string; readonly certificates: readonly string[] };

/** How both ends of a connection prove who they are; undefined, and said, when they do it in two ways, or in one that is not offered. */
export function proofMethod(
  local: ResolvedSection,
  remote: ResolvedSection,
  report: ImportReport,
): ImportedProof['kind'] | undefined {
  const [here, there] = [methodOf(local), methodOf(remote)];
  const fix = 'Use auth = psk at both ends, or auth = pubkey at both.';
  if (here === undefined || there === undefined) {
    const section = here === undefined ? local : remote;
    return report.refuse(section, 'auth', 'not_offered', 'External peers cannot have this value of it', fix);
  }
  if (here === there) return here;
  return report.refuse(local, 'auth', 'not_offered', 'The two ends prove who they are in different ways', fix);
}

/** Of two ends that have a key. @param address of the gateway, which is what it shows without an id */
export function keyProof(
  local: ResolvedSection,
  remote: ResolvedSection,
  address: string | undefined,
  report: ImportReport,
): ImportedProof | undefined {
  const localIdentity = identityOf(remote, undefined, report);
  const identity = identityOf(local, address, report);
  if (identity === undefined || localIdentity === undefined) return undefined;
  return { kind: 'pre_shared_key', identity, localIdentity };
}

/** Of two ends that have certificates: what the gateway shows is pinned, and it has to believe what our edge shows. */
export function certificateProof(
  local: ResolvedSection,
  remote: ResolvedSection,
  { edge }: ServedSite,
  files: CertificateFiles,
  report: ImportReport,
): ImportedProof | undefined {
  checkSubject(remote, edgeSubject(edge.edgeId), report);
  // Without the key it is the subject of its certificate, which external peers cannot have.
  const identity = identityOf(local, undefined, report);
  const certificates = identity === undefined ? undefined : pinned(local, identity, files, report);
  if (identity === undefined || certificates === undefined) return undefined;
  return { kind: 'pinned_certificates', identity, certificates };
}

/** "auth [pubkey]" */
function methodOf({ settings }: ResolvedSection): ImportedProof['kind'] | undefined {
  return METHODS.get(settings.get('auth')?.value.toLowerCase() ?? 'pubkey');
}

/** "id [%any]" */
function checkSubject(remote: ResolvedSection, subject: string, report: ImportReport): void {
  const text = remote.settings.get('id')?.value ?? '%any';
  if (text === '%any' || plainName(text) === plainName(subject)) return;
  const detail = 'The gateway expects our edge to show something other than the subject of its certificate';
  report.refuse(remote, 'id', 'other_end', detail, `Write id = "${subject}".`);
}

/** The files that `certs` names; without it, as strongSwan looks for one, those that name the identity. */
function pinned(
  local: ResolvedSection,
  identity: string,
  files: CertificateFiles,
  report: ImportReport,
): readonly string[] | undefined {
  const text = local.settings.get('certs')?.value;
  const names = text === undefined ? undefined : listOf(text).map((item) => item.split('/').at(-1) ?? '');
  const missing = names?.find((name) => !files.has(name));
  if (missing !== undefined) {
    const detail = `The certificate "${missing.slice(0, MAX_QUOTED)}" did not come with the text`;
    return report.refuse(local, 'certs', 'missing_key', detail, 'Give the file with the text.');
  }
  const chosen =
    names?.flatMap((name) => files.get(name) ?? []) ?? [...files.values()].filter((each) => hasName(each, identity));
  if (chosen.length === 0) {
    const detail = `No certificate that came with the text names ${identity}`;
    const fix = 'Give the certificate of the gateway, which has its id as a subject alternative name.';
    return report.refuse(local, 'certs', 'missing_key', detail, fix);
  }
  if (chosen.every((each) => hasName(each, identity))) return chosen;
  const detail = `A certificate does not name ${identity}, so that the gateway would show its subject`;
  const fix = 'Use an id that is a subject alternative name of the certificate (RFC 4945 section 3.1).';
  return report.refuse(local, 'certs', 'unmapped_value', detail, fix);
}

/** Whether a certificate has an identity among its subject alternative names. */
function hasName(hexadecimal: string, identity: string): boolean {
  const wanted = parseIkeIdentity(identity);
  if (wanted === undefined) return false;
  // The case of names does not count (RFC 4343).
  const text = ({ type, data }: { type: number; data: Iterable<number> }) =>
    type === 2 || type === 3 ? `${type} ${String.fromCharCode(...data).toLowerCase()}` : `${type} ${[...data].join()}`;
  return (readPinnedCertificate(hexadecimal)?.names ?? []).some((name) => text(name) === text(wanted));
}

/** `absent`: what it is without the key. */
function identityOf(section: ResolvedSection, absent: string | undefined, report: ImportReport): string | undefined {
  const text = section.settings.get('id')?.value ?? absent;
  if (text === undefined) {
    const detail = 'The text does not say what this end calls itself';
    return report.refuse(section, 'id', 'missing_key', detail, 'Write id = and what it shows.');
  }
  const identity = writtenIdentity(text);
  if (identity !== undefined) return identity;
  const fix = 'Use a domain name, a mailbox, an IP address or a key ID (keyid:…) at both ends.';
  return report.refuse(section, 'id', 'unmapped_value', 'The value is no identity that external peers have', fix);
}

/** Of a distinguished name with one attribute. */
function plainName(text: string): string {
  return text.replaceAll(/\s/g, '').toLowerCase();
}

const METHODS: ReadonlyMap<string, ImportedProof['kind']> = new Map([
  ['psk', 'pre_shared_key'],
  ['pubkey', 'pinned_certificates'],
]);
const MAX_QUOTED = 64;
