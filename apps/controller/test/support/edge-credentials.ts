import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

export interface EdgeKey {
  /** PKCS #8, PEM. */
  readonly privateKey: Buffer;
  /** PKCS #10, DER. */
  readonly request: Buffer;
}

type Algorithm = { readonly name: 'ECDSA'; readonly namedCurve: string } | RsaAlgorithm;
type RsaAlgorithm = {
  readonly name: 'RSASSA-PKCS1-v1_5';
  readonly modulusLength: number;
  readonly publicExponent: Uint8Array<ArrayBuffer>;
  readonly hash: string;
};

/** A key as an edge makes it, and a request that asks for more than it should: nothing of that may be granted. */
export async function createEdgeKey(
  algorithm: Algorithm = { name: 'ECDSA', namedCurve: 'P-256' },
  name = 'CN=somebody else, O=Example',
): Promise<EdgeKey> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm.name === 'ECDSA' ? { name: 'ECDSA', hash: 'SHA-256' } : algorithm,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const pem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`;
  return { privateKey: Buffer.from(pem), request: Buffer.from(request.rawData) };
}

/** DER to PEM, one after the other. */
export function certificatePem(...chain: readonly Uint8Array[]): Buffer {
  const blocks = chain.map((der) => {
    const lines =
      Buffer.from(der)
        .toString('base64')
        .match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  });
  return Buffer.from(blocks.join(''));
}
