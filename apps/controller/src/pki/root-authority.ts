import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { formatIdentity, type KeyAndCertificate } from './identity-file.js';
import { readSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';

/** The certificate authority of the fabric, and the one before while edges may still depend on it. */
export interface RootAuthority {
  /** Undefined: it is kept elsewhere, and the intermediate does what is to be done every day. */
  readonly privateKey: KeyObject | undefined;
  readonly certificate: X509Certificate;
  /** Counts what edges were ever told to trust: one more with every change. */
  readonly trustVersion: number;
  /** What issues, under the root. Undefined: the root does so itself, as all of them did once. */
  readonly intermediate: IntermediateAuthority | undefined;
  /** Of it there is no key any more: "The old CA private key is then no longer required" (RFC 4210 section 4.4.1). */
  readonly previous: PreviousAuthority | undefined;
}

export interface IntermediateAuthority extends KeyAndCertificate {
  /** Of others, between it and the root, from the bottom up. */
  readonly above: readonly X509Certificate[];
}

/** In the words of RFC 4210 section 4.4: "old with old" and "new with old". */
export interface PreviousAuthority {
  /** Its own certificate, which those trust that know nothing of the new one. */
  readonly oldWithOld: X509Certificate;
  /** The new key, certified with the old one: leads from what the new one issues to those. */
  readonly newWithOld: X509Certificate;
}

/** What certificates are issued with. */
export function issuerOf(root: RootAuthority): KeyAndCertificate {
  return root.intermediate ?? rootKeyOf(root);
}

/** The root itself, when its key is here. Throws PkiError 'root_key_elsewhere'. */
export function rootKeyOf({ privateKey, certificate }: RootAuthority): KeyAndCertificate {
  if (privateKey !== undefined) return { privateKey, certificate };
  throw new PkiError(
    'root_key_elsewhere',
    'the key of the root is not here: bring it back with --restore-root-key, or have another intermediate certified with --certificate-authority-request',
  );
}

/** What comes with every certificate: leads from its issuer to the roots that anybody may trust, and is none of these. */
export function chainAbove({ intermediate, previous }: RootAuthority): readonly X509Certificate[] {
  const below = intermediate ? [intermediate.certificate, ...intermediate.above] : [];
  return [...below, ...(previous ? [previous.newWithOld] : [])];
}

/**
 * PEM: what edges were told, PKCS #8 key, certificate, those of the rotation, and key and certificate of the intermediate. One
 * file, so that one rename replaces all.
 */
export function formatRoot(root: RootAuthority): string {
  const { privateKey, certificate, trustVersion, previous, intermediate } = root;
  const version = trustVersion === FIRST_TRUST_VERSION ? '' : `${VERSION_NAME}: ${trustVersion}\n`;
  const others = previous === undefined ? '' : `${previous.newWithOld}${previous.oldWithOld}`;
  const issuing =
    intermediate === undefined ? '' : `${INTERMEDIATE}\n${formatIdentity(intermediate)}${intermediate.above.join('')}`;
  const own = privateKey === undefined ? certificate.toString() : formatIdentity({ privateKey, certificate });
  return `${version}${own}${others}${issuing}`;
}

/** Undefined when there is no file. Throws PkiError 'bad_file'. */
export async function readRoot(path: string): Promise<RootAuthority | undefined> {
  const text = await readSecretFile(path);
  if (text === undefined) return undefined;
  const root = parse(path, text);
  if (root.privateKey !== undefined && !root.certificate.checkPrivateKey(root.privateKey)) {
    throw new PkiError('bad_file', `${path}: the certificate is not for the key; restore the file from a backup`);
  }
  if (root.previous !== undefined && !leadsTo(root.previous, root.certificate)) {
    throw new PkiError('bad_file', `${path}: its certificates do not belong together; restore the file from a backup`);
  }
  if (root.intermediate !== undefined && !isUnder(root.intermediate, root.certificate)) {
    throw new PkiError('bad_file', `${path}: its intermediate is not of its root; restore the file from a backup`);
  }
  return root;
}

function parse(path: string, text: string): RootAuthority {
  try {
    const [first = '', second, ...sections] = text.split(`${INTERMEDIATE}\n`);
    if (sections.length > 0) throw new Error('it holds more than one intermediate');
    const [certificate, newWithOld, oldWithOld, ...more] = certificatesIn(first);
    if (certificate === undefined || more.length > 0) throw new Error('it holds one certificate or three');
    if ((newWithOld === undefined) !== (oldWithOld === undefined)) throw new Error('a certificate is missing');
    const previous = newWithOld && oldWithOld && { newWithOld, oldWithOld };
    const trustVersion = Number(VERSION.exec(first)?.[1] ?? FIRST_TRUST_VERSION);
    const intermediate = second === undefined ? undefined : parseIntermediate(second);
    // Without an intermediate there is nothing else that could issue.
    const elsewhere = intermediate !== undefined && !first.includes(PRIVATE_KEY);
    const privateKey = elsewhere ? undefined : createPrivateKey(first);
    return { privateKey, certificate, trustVersion, previous, intermediate };
  } catch (cause) {
    throw new PkiError('bad_file', `${path} is no key with a certificate; restore the file from a backup`, cause);
  }
}

function parseIntermediate(text: string): IntermediateAuthority {
  const [certificate, ...above] = certificatesIn(text);
  if (certificate === undefined) throw new Error('its intermediate has no certificate');
  return { privateKey: createPrivateKey(text), certificate, above };
}

function certificatesIn(text: string): readonly X509Certificate[] {
  return (text.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
}

function leadsTo({ newWithOld, oldWithOld }: PreviousAuthority, certificate: X509Certificate): boolean {
  return newWithOld.publicKey.equals(certificate.publicKey) && isIssuedBy(newWithOld, oldWithOld);
}

function isUnder({ privateKey, certificate, above }: IntermediateAuthority, root: X509Certificate): boolean {
  const path = [certificate, ...above, root];
  const leads = path.slice(1).every((issuer, index) => isIssued(path[index], issuer));
  return certificate.checkPrivateKey(privateKey) && path.every(({ ca }) => ca) && leads;
}

function isIssued(certificate: X509Certificate | undefined, issuer: X509Certificate): boolean {
  return certificate !== undefined && isIssuedBy(certificate, issuer);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

export const FIRST_TRUST_VERSION = 1;
const VERSION_NAME = 'Weft-Trust-Version';
const VERSION = new RegExp(`^${VERSION_NAME}: ([1-9][0-9]{0,8})$`, 'm');
/** What follows it issues. */
const INTERMEDIATE = 'Weft-Intermediate:';
const PRIVATE_KEY = '-----BEGIN PRIVATE KEY-----';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;
