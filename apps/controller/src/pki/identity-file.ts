import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';

/** A private key and the certificate for it. They live in one file so that one rename replaces both. */
export interface KeyAndCertificate {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
}

/** PEM: PKCS #8 key, then certificate. */
export function formatIdentity({ privateKey, certificate }: KeyAndCertificate): string {
  return `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${certificate.toString()}`;
}

/** Undefined when there is no file. Throws PkiError 'bad_file'. */
export async function readIdentity(path: string): Promise<KeyAndCertificate | undefined> {
  const text = await readSecretFile(path);
  if (text === undefined) return undefined;
  const identity = parse(path, text);
  if (!identity.certificate.checkPrivateKey(identity.privateKey)) {
    throw new PkiError('bad_file', `${path}: the certificate is not for the key; restore the file from a backup`);
  }
  return identity;
}

function parse(path: string, text: string): KeyAndCertificate {
  try {
    return { privateKey: createPrivateKey(text), certificate: new X509Certificate(text) };
  } catch (cause) {
    throw new PkiError('bad_file', `${path} is no key with a certificate; restore the file from a backup`, cause);
  }
}
