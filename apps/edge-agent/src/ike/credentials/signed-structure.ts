import { type DigitalSignature, parseDigitalSignature } from '@weft/ipsec-core/ike';
import { DerError, DerReader, type DerValue, TAG } from './der.js';

/** What certificates and revocation lists have in common (RFC 5280 sections 4.1.1 and 5.1.1): something, and a signature over it. */
export interface SignedStructure {
  readonly der: Uint8Array;
  /** What was signed, content and whole. */
  readonly body: DerValue;
  /** DER of the AlgorithmIdentifier beside the signature; the one inside must be the same. */
  readonly algorithm: Uint8Array;
  /** Undefined: an algorithm that we do not take, SHA-1 among them. */
  readonly signature: DigitalSignature | undefined;
}

/** A copy is read, so that nobody changes it later. Throws DerError. */
export function parseSigned(octets: Uint8Array, maximum: number): SignedStructure {
  if (octets.length > maximum) throw new DerError(`more than ${maximum} octets`);
  const der = octets.slice();
  const outer = new DerReader(der);
  const structure = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const body = structure.read(TAG.SEQUENCE);
  const algorithm = structure.read(TAG.SEQUENCE).raw;
  const signature = bitString(structure.read(TAG.BIT_STRING).content);
  structure.finish();
  return { der, body, algorithm, signature: digitalSignature(algorithm, signature) };
}

/** AlgorithmIdentifiers of PKIX are those of RFC 7427, and so is the list of what we take. */
function digitalSignature(algorithm: Uint8Array, signature: Uint8Array): DigitalSignature | undefined {
  if (algorithm.length > 0xff) return undefined;
  return parseDigitalSignature(Buffer.concat([Uint8Array.of(algorithm.length), algorithm, signature]));
}

function bitString(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw new DerError('a signature that is not whole octets');
  return content.subarray(1);
}
