import { createPrivateKey, X509Certificate } from 'node:crypto';
import { formatIdentity, type KeyAndCertificate } from './identity-file.js';
import { readSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';

/** The certificate authority that certificates are issued by, and the one before while edges may still depend on it. */
export interface RootAuthority extends KeyAndCertificate {
  /** Counts what edges were ever told to trust: one more with every change. */
  readonly trustVersion: number;
  /** Of it there is no key any more: "The old CA private key is then no longer required" (RFC 4210 section 4.4.1). */
  readonly previous: PreviousAuthority | undefined;
}

/** In the words of RFC 4210 section 4.4: "old with old" and "new with old". */
export interface PreviousAuthority {
  /** Its own certificate, which those trust that know nothing of the new one. */
  readonly oldWithOld: X509Certificate;
  /** The new key, certified with the old one: leads from what the new one issues to those. */
  readonly newWithOld: X509Certificate;
}

/** PEM: what edges were told, PKCS #8 key, certificate, and those of the rotation. One file, so that one rename replaces all. */
export function formatRoot(root: RootAuthority): string {
  const { trustVersion, previous } = root;
  const version = trustVersion === FIRST_TRUST_VERSION ? '' : `${VERSION_NAME}: ${trustVersion}\n`;
  const others = previous === undefined ? '' : `${previous.newWithOld}${previous.oldWithOld}`;
  return `${version}${formatIdentity(root)}${others}`;
}

/** Undefined when there is no file. Throws PkiError 'bad_file'. */
export async function readRoot(path: string): Promise<RootAuthority | undefined> {
  const text = await readSecretFile(path);
  if (text === undefined) return undefined;
  const root = parse(path, text);
  if (!root.certificate.checkPrivateKey(root.privateKey)) {
    throw new PkiError('bad_file', `${path}: the certificate is not for the key; restore the file from a backup`);
  }
  if (root.previous !== undefined && !leadsTo(root.previous, root.certificate)) {
    throw new PkiError('bad_file', `${path}: its certificates do not belong together; restore the file from a backup`);
  }
  return root;
}

function parse(path: string, text: string): RootAuthority {
  try {
    const [certificate, newWithOld, oldWithOld, ...more] = (text.match(CERTIFICATE) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
    if (certificate === undefined || more.length > 0) throw new Error('it holds one certificate or three');
    if ((newWithOld === undefined) !== (oldWithOld === undefined)) throw new Error('a certificate is missing');
    const previous = newWithOld && oldWithOld && { newWithOld, oldWithOld };
    const trustVersion = Number(VERSION.exec(text)?.[1] ?? FIRST_TRUST_VERSION);
    return { privateKey: createPrivateKey(text), certificate, trustVersion, previous };
  } catch (cause) {
    throw new PkiError('bad_file', `${path} is no key with a certificate; restore the file from a backup`, cause);
  }
}

function leadsTo({ newWithOld, oldWithOld }: PreviousAuthority, certificate: X509Certificate): boolean {
  return (
    newWithOld.publicKey.equals(certificate.publicKey) &&
    newWithOld.checkIssued(oldWithOld) &&
    newWithOld.verify(oldWithOld.publicKey)
  );
}

export const FIRST_TRUST_VERSION = 1;
const VERSION_NAME = 'Weft-Trust-Version';
const VERSION = new RegExp(`^${VERSION_NAME}: ([1-9][0-9]{0,8})$`, 'm');
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;
