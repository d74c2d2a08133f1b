// @peculiar/x509 needs it before itself.
import 'reflect-metadata';
import { generateKeyPair, type KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
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
export const SERVER_LIFETIME_DAYS = 90;

/**
 * A self-signed root: ECDSA P-256, ten years, may sign end-entity certificates only.
 * @param before the one whose place it takes: it has the name of that one, as RFC 4210 section 4.4 has it, so that a certificate
 *   of the one for the other is self-issued, and counts for no path length (RFC 5280 section 4.2.1.9)
 */
export async function createRoot(now: Date, before?: KeyAndCertificate): Promise<KeyAndCertificate> {
  const { publicKey, privateKey } = await ecKeyPair();
  const certificate = await issue({
    subject: before === undefined ? newName() : nameOf(before.certificate),
    subjectKey: publicKey,
    issuer: undefined,
    issuerKey: privateKey,
    now,
    lifetime: ROOT_LIFETIME_DAYS * DAY_MILLISECONDS,
    extensions: AUTHORITY_EXTENSIONS,
  });
  return { privateKey, certificate };
}

/**
 * The "new with old" certificate of RFC 4210 section 4.4: the key of the next root, signed with the one before. With it, who
 * trusts that one alone believes what the next one issues, until that one expires.
 */
export async function createNewWithOld(
  old: KeyAndCertificate,
  next: KeyAndCertificate,
  now: Date,
): Promise<X509Certificate> {
  return issue({
    subject: nameOf(next.certificate),
    subjectKey: next.certificate.publicKey,
    issuer: old,
    issuerKey: old.privateKey,
    now,
    lifetime: ROOT_LIFETIME_DAYS * DAY_MILLISECONDS,
    extensions: [
      ...AUTHORITY_EXTENSIONS,
      await AuthorityKeyIdentifierExtension.create(spkiOf(old.certificate.publicKey)),
    ],
  });
}

/** The controller's own server certificate with a fresh key. */
export async function createServerIdentity(root: KeyAndCertificate, now: Date): Promise<KeyAndCertificate> {
  const { publicKey, privateKey } = await ecKeyPair();
  const certificate = await issueByRoot(
    root,
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
 */
export function createEdgeCertificate(
  root: KeyAndCertificate,
  publicKey: KeyObject,
  identity: EdgeIdentity,
  now: Date,
  lifetime: number,
): Promise<X509Certificate> {
  return issueByRoot(root, publicKey, identity.edgeId, now, lifetime, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, IPSEC_IKE]),
    new SubjectAlternativeNameExtension([{ type: 'url', value: edgeUri(identity) }]),
  ]);
}

async function issueByRoot(
  root: KeyAndCertificate,
  subjectKey: KeyObject,
  commonName: string,
  now: Date,
  lifetime: number,
  extensions: readonly Extension[],
): Promise<X509Certificate> {
  return issue({
    subject: [{ CN: [commonName] }],
    subjectKey,
    issuer: root,
    issuerKey: root.privateKey,
    now,
    lifetime,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      await AuthorityKeyIdentifierExtension.create(spkiOf(root.certificate.publicKey)),
      ...extensions,
    ],
  });
}

interface Issuance {
  readonly subject: { CN: string[] }[];
  readonly subjectKey: KeyObject;
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
  const latest = order.issuer === undefined ? notAfter : Date.parse(order.issuer.certificate.validTo);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: order.subject,
    issuer: order.issuer === undefined ? order.subject : nameOf(order.issuer.certificate),
    notBefore: new Date(order.now.getTime() - BACKDATE_MILLISECONDS),
    // Nothing outlives what vouches for it.
    notAfter: new Date(Math.min(notAfter, latest)),
    publicKey,
    signingKey: await signingKey(order.issuerKey),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [...order.extensions, await SubjectKeyIdentifierExtension.create(publicKey)],
  });
  return new X509Certificate(Buffer.from(certificate.rawData));
}

function newName(): { CN: string[] }[] {
  return [{ CN: [`Weft root ${randomBytes(4).toString('hex')}`] }];
}

/** Our roots have a common name and nothing else. */
function nameOf(certificate: X509Certificate): { CN: string[] }[] {
  return [{ CN: [certificate.subject.replace(/^CN=/, '')] }];
}

function spkiOf(key: KeyObject): PublicKey {
  return new PublicKey(key.export({ type: 'spki', format: 'der' }));
}

function signingKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
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

const AUTHORITY_EXTENSIONS: readonly Extension[] = [
  new BasicConstraintsExtension(true, 0, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
];
/** id-kp-ipsecIKE (RFC 4945 section 5.1.3.12). */
const IPSEC_IKE = '1.3.6.1.5.5.7.3.17';
const DAY_MILLISECONDS = 86_400_000;
/** Clocks of edges may be behind. */
const BACKDATE_MILLISECONDS = 3_600_000;
