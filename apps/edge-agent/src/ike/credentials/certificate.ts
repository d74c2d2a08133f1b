import { createPublicKey, type KeyObject } from 'node:crypto';
import type { DigitalSignature } from '@weft/ipsec-core/ike';
import { type AlternativeName, parseAlternativeNames } from './alternative-name.js';
import { boolean, DerError, DerReader, objectIdentifier, smallInteger, TAG, time } from './der.js';
import { type DistributionPoint, parseDistributionPoints } from './distribution-point.js';
import { parseExtensions } from './extension.js';
import { parseSigned } from './signed-structure.js';

/** What path validation and identity matching need of an X.509 certificate (RFC 5280 section 4.1). */
export interface Certificate {
  readonly der: Uint8Array;
  /** The octets of its INTEGER in hexadecimal. */
  readonly serialNumber: string;
  /** DER of the names, compared octet by octet. */
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array;
  readonly signedOctets: Uint8Array;
  /** Undefined: an algorithm that we do not take, SHA-1 among them. */
  readonly signature: DigitalSignature | undefined;
  readonly alternativeNames: readonly AlternativeName[];
  /** basicConstraints: undefined when it is no CA. */
  readonly authority: { readonly pathLength: number | undefined } | undefined;
  /** Bits by their number (0 is digitalSignature); undefined without the extension. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** Where its revocation would be told. */
  readonly distributionPoints: readonly DistributionPoint[];
  /** Extensions that limit the certificate in ways that we do not know: it must not be used. */
  readonly unsupported: readonly string[];
}

export const KEY_USAGE = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5, cRLSign: 6 } as const;

/** Throws DerError when the octets are no certificate of version 3, or are longer than anybody's. */
export function parseCertificate(octets: Uint8Array): Certificate {
  const { der, body, algorithm, signature } = parseSigned(octets, MAXIMUM_CERTIFICATE);
  return { der, signedOctets: body.raw, signature, ...parseBody(new DerReader(body.content), algorithm) };
}

type Body = Omit<Certificate, 'der' | 'signedOctets' | 'signature'>;

/** TBSCertificate, field by field. */
function parseBody(reader: DerReader, outerAlgorithm: Uint8Array): Body {
  const version = new DerReader(reader.read(EXPLICIT_0).content);
  if (smallInteger(version.read(TAG.INTEGER).content) !== VERSION_3) throw new DerError('not version 3');
  version.finish();
  const serialNumber = Buffer.from(reader.read(TAG.INTEGER).content).toString('hex');
  const algorithm = reader.read(TAG.SEQUENCE).raw;
  if (Buffer.compare(algorithm, outerAlgorithm) !== 0) throw new DerError('two different signature algorithms');
  const issuer = reader.read(TAG.SEQUENCE).raw;
  const validity = reader.enter(TAG.SEQUENCE);
  const [notBefore, notAfter] = [time(validity.next()), time(validity.next())];
  validity.finish();
  const subject = reader.read(TAG.SEQUENCE).raw;
  const publicKeyInfo = reader.read(TAG.SEQUENCE).raw;
  reader.optional(ISSUER_UNIQUE_ID);
  reader.optional(SUBJECT_UNIQUE_ID);
  const extensions = reader.optional(EXPLICIT_3);
  reader.finish();
  return {
    serialNumber,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKeyInfo,
    publicKey: keyOf(publicKeyInfo),
    ...(extensions === undefined ? NO_EXTENSIONS : readExtensions(extensions.content)),
  };
}

type Extensions = Omit<
  Body,
  'serialNumber' | 'subject' | 'issuer' | 'notBefore' | 'notAfter' | 'publicKey' | 'publicKeyInfo'
>;

function readExtensions(content: Uint8Array): Extensions {
  const found: { -readonly [K in keyof Extensions]: Extensions[K] } = { ...NO_EXTENSIONS };
  const unsupported: string[] = [];
  for (const { id, critical, value } of parseExtensions(content)) {
    if (id === EXTENSION.SUBJECT_ALTERNATIVE_NAME) found.alternativeNames = parseAlternativeNames(value);
    else if (id === EXTENSION.BASIC_CONSTRAINTS) found.authority = parseBasicConstraints(value);
    else if (id === EXTENSION.KEY_USAGE) found.keyUsage = parseKeyUsage(value);
    else if (id === EXTENSION.EXTENDED_KEY_USAGE) found.extendedKeyUsage = parseExtendedKeyUsage(value);
    else if (id === EXTENSION.DISTRIBUTION_POINTS) found.distributionPoints = parseDistributionPoints(value);
    else if (critical || id === EXTENSION.NAME_CONSTRAINTS) unsupported.push(id);
  }
  found.unsupported = unsupported;
  return found;
}

function parseBasicConstraints(value: Uint8Array): Extensions['authority'] {
  const outer = new DerReader(value);
  const reader = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const isAuthority = boolean(reader.optional(TAG.BOOLEAN)?.content ?? FALSE);
  const limit = reader.optional(TAG.INTEGER);
  reader.finish();
  return isAuthority ? { pathLength: limit && smallInteger(limit.content) } : undefined;
}

function parseKeyUsage(value: Uint8Array): ReadonlySet<number> {
  const reader = new DerReader(value);
  const [unused = 0, ...octets] = reader.read(TAG.BIT_STRING).content;
  reader.finish();
  if (unused > 7 || octets.length > 2) throw new DerError('a key usage of more than 16 bits');
  const bits = new Set<number>();
  for (const [index, octet] of octets.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((octet & (0x80 >>> bit)) !== 0) bits.add(8 * index + bit);
  }
  return bits;
}

function parseExtendedKeyUsage(value: Uint8Array): readonly string[] {
  const outer = new DerReader(value);
  const reader = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const purposes: string[] = [];
  while (!reader.done) purposes.push(objectIdentifier(reader.read(TAG.OBJECT_IDENTIFIER).content));
  return purposes;
}

/** OpenSSL reads the key: it knows curves and validates points. */
function keyOf(publicKeyInfo: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(publicKeyInfo), format: 'der', type: 'spki' });
  } catch (error) {
    throw new DerError('a public key that cannot be read', { cause: error });
  }
}

const NO_EXTENSIONS: Extensions = {
  alternativeNames: [],
  authority: undefined,
  keyUsage: undefined,
  extendedKeyUsage: undefined,
  distributionPoints: [],
  unsupported: [],
};
const EXTENSION = {
  KEY_USAGE: '2.5.29.15',
  SUBJECT_ALTERNATIVE_NAME: '2.5.29.17',
  BASIC_CONSTRAINTS: '2.5.29.19',
  NAME_CONSTRAINTS: '2.5.29.30',
  DISTRIBUTION_POINTS: '2.5.29.31',
  EXTENDED_KEY_USAGE: '2.5.29.37',
} as const;
const VERSION_3 = 2;
const EXPLICIT_0 = 0xa0;
const ISSUER_UNIQUE_ID = 0x81;
const SUBJECT_UNIQUE_ID = 0x82;
const EXPLICIT_3 = 0xa3;
const FALSE = Uint8Array.of(0);
/** RSA-8192 with many names needs half of it. */
const MAXIMUM_CERTIFICATE = 16_384;
