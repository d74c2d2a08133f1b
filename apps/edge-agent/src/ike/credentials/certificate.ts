import { createPublicKey, type KeyObject } from 'node:crypto';
import { type DigitalSignature, parseDigitalSignature } from '@weft/ipsec-core/ike';
import { type AlternativeName, parseAlternativeNames } from './alternative-name.js';
import { boolean, DerError, DerReader, objectIdentifier, smallInteger, TAG, time } from './der.js';

/** What path validation and identity matching need of an X.509 certificate (RFC 5280 section 4.1). */
export interface Certificate {
  readonly der: Uint8Array;
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
  /** Extensions that limit the certificate in ways that we do not know: it must not be used. */
  readonly unsupported: readonly string[];
}

export const KEY_USAGE = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5 } as const;

/** Throws DerError when the octets are no certificate of version 3, or are longer than anybody's. */
export function parseCertificate(octets: Uint8Array): Certificate {
  if (octets.length > MAXIMUM_CERTIFICATE) throw new DerError(`more than ${MAXIMUM_CERTIFICATE} octets`);
  const der = octets.slice();
  const outer = new DerReader(der);
  const certificate = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const signed = certificate.read(TAG.SEQUENCE);
  const algorithm = certificate.read(TAG.SEQUENCE).raw;
  const signature = bitString(certificate.read(TAG.BIT_STRING).content);
  certificate.finish();
  const body = parseBody(new DerReader(signed.content), algorithm);
  return { der, signedOctets: signed.raw, signature: digitalSignature(algorithm, signature), ...body };
}

type Body = Omit<Certificate, 'der' | 'signedOctets' | 'signature'>;

/** TBSCertificate, field by field. */
function parseBody(reader: DerReader, outerAlgorithm: Uint8Array): Body {
  const version = new DerReader(reader.read(EXPLICIT_0).content);
  if (smallInteger(version.read(TAG.INTEGER).content) !== VERSION_3) throw new DerError('not version 3');
  version.finish();
  reader.read(TAG.INTEGER);
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
  const publicKey = keyOf(publicKeyInfo);
  const names = { issuer, subject, notBefore, notAfter, publicKeyInfo, publicKey };
  return { ...names, ...(extensions === undefined ? NO_EXTENSIONS : parseExtensions(extensions.content)) };
}

type Extensions = Pick<Body, 'alternativeNames' | 'authority' | 'keyUsage' | 'extendedKeyUsage' | 'unsupported'>;

function parseExtensions(content: Uint8Array): Extensions {
  const outer = new DerReader(content);
  const list = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const seen = new Set<string>();
  const found: { -readonly [K in keyof Extensions]: Extensions[K] } = { ...NO_EXTENSIONS };
  const unsupported: string[] = [];
  while (!list.done) {
    const extension = list.enter(TAG.SEQUENCE);
    const id = objectIdentifier(extension.read(TAG.OBJECT_IDENTIFIER).content);
    const critical = boolean(extension.optional(TAG.BOOLEAN)?.content ?? FALSE);
    const value = extension.read(TAG.OCTET_STRING).content;
    extension.finish();
    // "A certificate MUST NOT include more than one instance of a particular extension" (section 4.2).
    if (seen.has(id)) throw new DerError(`extension ${id} twice`);
    seen.add(id);
    if (id === EXTENSION.SUBJECT_ALTERNATIVE_NAME) found.alternativeNames = parseAlternativeNames(value);
    else if (id === EXTENSION.BASIC_CONSTRAINTS) found.authority = parseBasicConstraints(value);
    else if (id === EXTENSION.KEY_USAGE) found.keyUsage = parseKeyUsage(value);
    else if (id === EXTENSION.EXTENDED_KEY_USAGE) found.extendedKeyUsage = parseExtendedKeyUsage(value);
    else if (critical || id === EXTENSION.NAME_CONSTRAINTS) unsupported.push(id);
  }
  return { ...found, unsupported };
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

/** AlgorithmIdentifiers of certificates are those of RFC 7427, and so is the list of what we take. */
function digitalSignature(algorithm: Uint8Array, signature: Uint8Array): DigitalSignature | undefined {
  if (algorithm.length > 0xff) return undefined;
  return parseDigitalSignature(Buffer.concat([Uint8Array.of(algorithm.length), algorithm, signature]));
}

function bitString(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new DerError('a signature that is not whole octets');
  return content.subarray(1);
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
  unsupported: [],
};
const EXTENSION = {
  KEY_USAGE: '2.5.29.15',
  SUBJECT_ALTERNATIVE_NAME: '2.5.29.17',
  BASIC_CONSTRAINTS: '2.5.29.19',
  NAME_CONSTRAINTS: '2.5.29.30',
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
