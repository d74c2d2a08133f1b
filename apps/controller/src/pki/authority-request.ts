// @peculiar/x509 needs it before itself.
import 'reflect-metadata';
import { createPrivateKey, KeyObject, webcrypto, type X509Certificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
} from '@peculiar/x509';
import { certifyIntermediate, newIntermediateName, subjectNameOf } from './certificate-factory.js';
import { CertificateRequestError, publicKeyOfRequest } from './certificate-request.js';
import type { KeyAndCertificate } from './identity-file.js';
import { PkiError } from './pki-error.js';

/** A key for an intermediate and a request to certify it (PKCS #10, PEM), which says what the certificate must say. */
export interface AuthorityRequest {
  readonly privateKey: KeyObject;
  readonly request: string;
}

/** @param before the intermediate whose place it will take, and whose name it has */
export async function createAuthorityRequest(before: X509Certificate | undefined): Promise<AuthorityRequest> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: before === undefined ? newIntermediateName() : subjectNameOf(before),
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { privateKey: KeyObject.from(keys.privateKey), request: `${request.toString('pem')}\n` };
}

/**
 * Certifies the key of a request (PEM) with a root: an intermediate of the name that it asks for, and of nothing else that it may
 * ask for. Throws PkiError 'request_refused'.
 */
export async function signAuthorityRequest(text: string, root: KeyAndCertificate, now: Date): Promise<X509Certificate> {
  const der = derOf(text);
  const publicKey = await publicKeyOfRequest(der).catch((error: unknown) => {
    if (!(error instanceof CertificateRequestError)) throw error;
    throw new PkiError('request_refused', `the request ${error.message}`);
  });
  const { subjectName } = new Pkcs10CertificateRequest(Uint8Array.from(der));
  return certifyIntermediate(root, publicKey, subjectName, now);
}

/** The key of a request, as it waits for its certificate. */
export function formatRequestedKey(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Throws PkiError 'bad_file'. */
export function parseRequestedKey(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new PkiError('bad_file', `${path} is no private key; write another request`, cause);
  }
}

function derOf(text: string): Buffer {
  try {
    const [der] = PemConverter.decodeWithHeaders(text).filter(({ type }) => type === 'CERTIFICATE REQUEST');
    if (der !== undefined) return Buffer.from(der.rawData);
  } catch {
    // Said below.
  }
  throw new PkiError('request_refused', 'the file holds no certificate signing request in PEM');
}
