import { webcrypto } from 'node:crypto';

/** An ECDSA P-256 key made on this machine, and the request to certify it. */
export interface CertificateRequest {
  /** PKCS #8 PEM. It goes to the state directory and nowhere else. */
  readonly privateKeyPem: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** PKCS #10, DER (RFC 2986), signed with the key. */
  readonly certificateSigningRequest: Uint8Array;
}

/**
 * Makes a key pair and a request. The subject names the machine for the reader only: the controller decides the
 * identity from the token and puts it into the certificate.
 */
export async function createCertificateRequest(hostName: string): Promise<CertificateRequest> {
  const { Pkcs10CertificateRequestGenerator } = await requestLibrary();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create(
    { name: [{ CN: [hostName] }], keys, signingAlgorithm: ALGORITHM },
    webcrypto,
  );
  const privateKey = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = privateKey.toString('base64').match(/.{1,64}/g) ?? [];
  privateKey.fill(0);
  return {
    privateKeyPem: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    publicKey: new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey)),
    certificateSigningRequest: new Uint8Array(request.rawData),
  };
}

/** Loaded when it is needed, once in the life of a certificate: it takes ten times the memory of everything else about identities. */
async function requestLibrary(): Promise<typeof import('@peculiar/x509')> {
  // It finds its parts by decorator metadata and fails to load without this.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
