// @peculiar/x509 needs it before itself.
import 'reflect-metadata';
import { Extension, X509CrlGenerator, X509CrlReason } from '@peculiar/x509';
import { authorityKeyIdentifierOf, signingKey, subjectNameOf } from './certificate-factory.js';
import type { KeyAndCertificate } from './identity-file.js';

/** A certificate that is not to be believed, although it has not ended. */
export interface RevokedCertificate {
  /** Hexadecimal. */
  readonly serial: string;
  readonly revokedAt: Date;
  readonly reason: 'superseded' | 'unspecified';
}

/** What a list says beside that. */
export interface ListValidity {
  /** Larger than that of every list before (RFC 5280 section 5.2.3). */
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/** A complete certificate revocation list of an issuer, DER (RFC 5280 section 5). */
export async function createRevocationList(
  issuer: KeyAndCertificate,
  revoked: readonly RevokedCertificate[],
  { number, thisUpdate, nextUpdate }: ListValidity,
): Promise<Buffer> {
  const list = await X509CrlGenerator.create({
    issuer: subjectNameOf(issuer.certificate),
    thisUpdate,
    nextUpdate,
    signingKey: await signingKey(issuer.privateKey),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    entries: revoked.map(({ serial, revokedAt, reason }) => ({
      serialNumber: serial,
      revocationDate: revokedAt,
      // "SHOULD be absent instead of using the unspecified (0) reasonCode value" (section 5.3.1).
      ...(reason === 'superseded' && { reason: X509CrlReason.superseded }),
    })),
    // "Conforming CRL issuers are REQUIRED to include the authority key identifier and the CRL number" (section 5.2).
    extensions: [await authorityKeyIdentifierOf(issuer.certificate), new Extension(CRL_NUMBER, false, integer(number))],
  });
  return Buffer.from(list.rawData);
}

/** DER of a positive INTEGER below 2^63. */
function integer(value: bigint): Uint8Array {
  const octets = Buffer.alloc(8);
  octets.writeBigInt64BE(value);
  const first = octets.findIndex((octet) => octet !== 0);
  const shortest = octets.subarray(first < 0 ? 7 : first);
  const positive = (shortest[0] ?? 0) < 0x80 ? shortest : Buffer.concat([Buffer.alloc(1), shortest]);
  return Uint8Array.of(0x02, positive.length, ...positive);
}

const CRL_NUMBER = '2.5.29.20';
