// @peculiar/x509 needs it before itself.
import 'reflect-metadata';
import { generateKeyPair, type KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  X509Certificate as ParsedCertificate,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type EdgeIdentity, edgeUri } from './edge-identity.js';
import type { KeyAndCertificate } from './identity-file.js';

/** The name in every controller's server certificate; edges ask for it whatever address they dial. */
export const CONTROLLER_SERVER_NAME = 'controller.weft.internal';

export const ROOT_LIFETIME_DAYS = 3652;
export const INTERMEDIATE_LIFETIME_DAYS = 1826;
export const SERVER_LIFETIME_DAYS = 90;

/**
 * A self-signed root: ECDSA P-256, ten years.
 * @param before the one whose place it takes: it has the name of that one, as RFC 4210 section 4.4 has it, so that a certificate
 *   of the one for the other is self-issued, and counts for no path length (RFC 5280 section 4.2.1.9)
 */
export async function createRoot(now: Date, before?: X509Certificate): Promise<KeyAndCertificate> {
  const { publicKey, privateKey } = await ecKeyPair();
  const certificate = await issue({
    subject: before === undefined ? newName('root') : subjectNameOf(before),
    subjectKey: publicKey,
    issuer: undefined,
    issuerKey: privateKey,
    now,
    lifetime: ROOT_LIFETIME_DAYS * DAY_MILLISECONDS,
    extensions: authorityExtensions(ROOT_PATH_LENGTH),
  });
  return { privateKey, certificate };
}

/**
 * An intermediate: ECDSA P-256, five years, may sign end-entity certificates only.
 * @param before the one whose place it takes: it has the name of that one, and is told apart by its key
 */
export async function createIntermediate(
  root: KeyAndCertificate,
  now: Date,
  before?: X509Certificate,
): Promise<KeyAndCertificate> {
  const { publicKey, privateKey } = await ecKeyPair();
  const name = before === undefined ? newIntermediateName() : subjectNameOf(before);
  return { privateKey, certificate: await certifyIntermediate(root, publicKey, name, now) };
}

/** The same for a key that somebody else has made. */
export function certifyIntermediate(
  root: KeyAndCertificate,
  publicKey: KeyObject,
  name: CertificateName,
  now: Date,
): Promise<X509Certificate> {
  return issue({
    subject: name,
    subjectKey: publicKey,
    issuer: root,
    issuerKey: root.privateKey,
    now,
    lifetime: INTERMEDIATE_LIFETIME_DAYS * DAY_MILLISECONDS,
    extensions: authorityExtensions(0),
  });
}

export function newIntermediateName(): CertificateName {
  return newName('intermediate');
}

/** How many authorities may be between this one and what an end entity has (RFC 5280 section 4.2.1.9). */
export function pathLengthOf(certificate: X509Certificate): number {
  const constraints = parsed(certificate).getExtension(BasicConstraintsExtension);
  if (constraints?.ca !== true) return -1;
  return constraints.pathLength ?? Number.POSITIVE_INFINITY;
}

/**
 * The "new with old" certificate of RFC 4210 section 4.4: the key of the next root, signed with the one before. With it, who
 * trusts that one alone believes what the next one issues, until that one expires.
 */
export async function createNewWithOld(
  old: KeyAndCertificate,
  next: X509Certificate,
  now: Date,
): Promise<X509Certificate> {
  return issue({
    subject: subjectNameOf(next),
    subjectKey: next.publicKey,
    // That by which what it has issued names it.
    subjectKeyIdentifier: keyIdentifierOf(next),
    issuer: old,
    issuerKey: old.privateKey,
    now,
    lifetime: ROOT_LIFETIME_DAYS * DAY_MILLISECONDS,
    extensions: authorityExtensions(Math.min(pathLengthOf(old.certificate), pathLengthOf(next))),
  });
}

/** The controller's own server certificate with a fresh key. */
export async function createServerIdentity(issuer: KeyAndCertificate, now: Date): Promise<KeyAndCertificate> {
  const { publicKey, privateKey } = await ecKeyPair();
  const certificate = await issueToEndEntity(
    issuer,
    publicKey,
    CONTROLLER_SERVER_NAME,
    now,
    SERVER_LIFETIME_DAYS * DAY_MILLISECONDS,
    [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: CONTROLLER_SERVER_NAME }]),
    ],
  );
  return { privateKey, certificate };
}

/**
 * A certificate that lets the holder of the key speak for an edge: to the controller, and to other edges with IKEv2.
 * @param lifetime milliseconds from now
 * @param revocationListUrl where its revocation would be told (RFC 5280 section 4.2.1.13)
 */
export function createEdgeCertificate(
  issuer: KeyAndCertificate,
  publicKey: KeyObject,
  identity: EdgeIdentity,
  now: Date,
  lifetime: number,
  revocationListUrl?: string,
): Promise<X509Certificate> {
  return issueToEndEntity(issuer, publicKey, identity.edgeId, now, lifetime, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, IPSEC_IKE]),
    new SubjectAlternativeNameExtension([{ type: 'url', value: edgeUri(identity) }]),
    ...(revocationListUrl === undefined ? [] : [new CRLDistributionPointsExtension([revocationListUrl])]),
  ]);
}

async function issueToEndEntity(
  issuer: KeyAndCertificate,
  subjectKey: KeyObject,
  commonName: string,
  now: Date,
  lifetime: number,
  extensions: readonly Extension[],
): Promise<X509Certificate> {
  return issue({
    subject: [{ CN: [commonName] }],
    subjectKey,
    issuer,
    issuerKey: issuer.privateKey,
    now,
    lifetime,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ...extensions,
    ],
  });
}

export type CertificateName = Name | { CN: string[] }[];

interface Issuance {
  readonly subject: CertificateName;
  readonly subjectKey: KeyObject;
  /** Undefined: made of the key, as RFC 5280 section 4.2.1.2 (1) has it. */
  readonly subjectKeyIdentifier?: SubjectKeyIdentifierExtension | undefined;
  /** Undefined for a self-signed one. */
  readonly issuer: KeyAndCertificate | undefined;
  readonly issuerKey: KeyObject;
  readonly now: Date;
  /** Milliseconds from now. */
  readonly lifetime: number;
  readonly extensions: readonly Extension[];
}

async function issue(order: Issuance): Promise<X509Certificate> {
  const publicKey = spkiOf(order.subjectKey);
  const notAfter = order.now.getTime() + order.lifetime;
  const { issuer } = order;
  const latest = issuer === undefined ? notAfter : Date.parse(issuer.certificate.validTo);
  // Without it OpenSSL takes the wrong one of two authorities of one name.
  const issuerKey = issuer === undefined ? [] : [await authorityKeyIdentifierOf(issuer.certificate)];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: order.subject,
    issuer: issuer === undefined ? order.subject : subjectNameOf(issuer.certificate),
    notBefore: new Date(order.now.getTime() - BACKDATE_MILLISECONDS),
    // Nothing outlives what vouches for it.
    notAfter: new Date(Math.min(notAfter, latest)),
    publicKey,
    signingKey: await signingKey(order.issuerKey),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      ...order.extensions,
      ...issuerKey,
      order.subjectKeyIdentifier ?? (await SubjectKeyIdentifierExtension.create(publicKey)),
    ],
  });
  return new X509Certificate(Buffer.from(certificate.rawData));
}

function newName(role: 'root' | 'intermediate'): CertificateName {
  return [{ CN: [`Weft ${role} ${randomBytes(4).toString('hex')}`] }];
}

/** With the string types that it has: names are compared octet by octet. */
export function subjectNameOf(certificate: X509Certificate): CertificateName {
  return parsed(certificate).subjectName;
}

function parsed(certificate: X509Certificate): ParsedCertificate {
  return new ParsedCertificate(Uint8Array.from(certificate.raw));
}

/** "MUST" be the subject key identifier of the issuer (RFC 5280 section 4.2.1.1), which others make otherwise than we do. */
export async function authorityKeyIdentifierOf(issuer: X509Certificate): Promise<Extension> {
  const identifier = keyIdentifierOf(issuer);
  if (identifier !== undefined) return new AuthorityKeyIdentifierExtension(identifier.keyId);
  return AuthorityKeyIdentifierExtension.create(spkiOf(issuer.publicKey));
}

function keyIdentifierOf(certificate: X509Certificate): SubjectKeyIdentifierExtension | undefined {
  return parsed(certificate).getExtension(SubjectKeyIdentifierExtension) ?? undefined;
}

function authorityExtensions(pathLength: number): readonly Extension[] {
  return [
    new BasicConstraintsExtension(true, Number.isFinite(pathLength) ? pathLength : undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
}

function spkiOf(key: KeyObject): PublicKey {
  return new PublicKey(key.export({ type: 'spki', format: 'der' }));
}

/** For the generators of @peculiar/x509. */
export function signingKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}

function ecKeyPair(): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' });
}

/** RFC 5280 section 4.1.2.2: positive, at most 20 octets. Second bit set: every tool then prints the same 32 digits. */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial.toString('hex');
}

/** One for our intermediate; two more so that the root of somebody else, with an authority of theirs, can follow this one. */
const ROOT_PATH_LENGTH = 3;
/** id-kp-ipsecIKE (RFC 4945 section 5.1.3.12). */
const IPSEC_IKE = '1.3.6.1.5.5.7.3.17';
const DAY_MILLISECONDS = 86_400_000;
/** Clocks of edges may be behind. */
const BACKDATE_MILLISECONDS = 3_600_000;
