// @peculiar/x509 needs it before itself.
import 'reflect-metadata';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';

export const CERTIFICATE_REQUEST_MAXIMUM_OCTETS = 8192;

export type CertificateRequestProblem =
  | 'empty'
  | 'too_large'
  | 'malformed'
  | 'wrong_key_type'
  | 'bad_signature'
  | 'wrong_subject'
  | 'same_key';

/** A certificate signing request that no certificate is issued for; the message is for the one who sent it. */
export class CertificateRequestError extends Error {
  override readonly name = 'CertificateRequestError';

  constructor(
    readonly code: CertificateRequestProblem,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Takes the public key out of a PKCS #10 request (RFC 2986, DER) after checking that the sender holds the private
 * key. Subject, extensions and attributes are not even looked at: the controller decides what a certificate says.
 *
 * @throws CertificateRequestError
 */
export async function publicKeyOfRequest(der: Uint8Array): Promise<KeyObject> {
  return (await opened(der)).publicKey;
}

/**
 * The same for a renewal: the request is of this edge, by its subject, and of another key than the certificate that it
 * follows.
 *
 * @throws CertificateRequestError
 */
export async function publicKeyOfRenewal(der: Uint8Array, edgeId: string, present: KeyObject): Promise<KeyObject> {
  const { request, publicKey } = await opened(der);
  if (request.subject !== `CN=${edgeId}`) {
    throw new CertificateRequestError(
      'wrong_subject',
      `is not of the edge that asks: its subject must be CN=${edgeId}`,
    );
  }
  if (publicKey.equals(present)) {
    throw new CertificateRequestError('same_key', 'has the key of the present certificate; make a new one');
  }
  return publicKey;
}

async function opened(der: Uint8Array): Promise<{ request: Pkcs10CertificateRequest; publicKey: KeyObject }> {
  if (der.length === 0) throw new CertificateRequestError('empty', 'is empty');
  if (der.length > CERTIFICATE_REQUEST_MAXIMUM_OCTETS) {
    throw new CertificateRequestError(
      'too_large',
      `has ${der.length} octets; at most ${CERTIFICATE_REQUEST_MAXIMUM_OCTETS} are allowed`,
    );
  }
  const { request, publicKey } = parse(der);
  if (publicKey.asymmetricKeyType !== 'ec' || publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new CertificateRequestError('wrong_key_type', `has ${describe(publicKey)}; ECDSA on P-256 is required`);
  }
  if (!(await verifies(request))) {
    throw new CertificateRequestError('bad_signature', 'is not signed with the private key of its public key');
  }
  return { request, publicKey };
}

function parse(der: Uint8Array): { request: Pkcs10CertificateRequest; publicKey: KeyObject } {
  try {
    if (lengthOfSequence(der) !== der.length) throw new Error('trailing octets');
    const request = new Pkcs10CertificateRequest(Uint8Array.from(der));
    const key = Buffer.from(request.publicKey.rawData);
    // OpenSSL checks that the point is on the curve.
    return { request, publicKey: createPublicKey({ key, format: 'der', type: 'spki' }) };
  } catch {
    throw new CertificateRequestError('malformed', 'is no PKCS #10 certificate signing request in DER');
  }
}

/** Octets of the DER SEQUENCE at the start, header included; NaN when there is none. The parser ignores what follows it. */
function lengthOfSequence(der: Uint8Array): number {
  const [tag, first = 0] = der;
  if (tag !== 0x30) return Number.NaN;
  if (first < 0x80) return 2 + first;
  const octets = der.subarray(2, 2 + (first & 0x7f));
  return 2 + octets.length + octets.reduce((length, octet) => length * 256 + octet, 0);
}

async function verifies(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false;
  }
}

function describe(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (namedCurve !== undefined) return `an EC key on ${namedCurve}`;
  return modulusLength === undefined ? `a key of type ${key.asymmetricKeyType}` : `a ${modulusLength}-bit RSA key`;
}
