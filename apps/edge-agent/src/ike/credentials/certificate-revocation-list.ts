import type { DigitalSignature } from '@weft/ipsec-core/ike';
import { DerError, DerReader, smallInteger, TAG, time } from './der.js';
import { EVERYTHING, type ListScope, parseListScope } from './distribution-point.js';
import { parseExtensions } from './extension.js';
import { parseSigned } from './signed-structure.js';

/** A CRL (RFC 5280 section 5.1): which certificates of an authority are not to be believed any more. */
export interface CertificateRevocationList {
  /** DER of the name, compared octet by octet. */
  readonly issuer: Uint8Array;
  /** Milliseconds since 1970. It is used from the first until the second. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers, the octets of their INTEGER in hexadecimal. */
  readonly revoked: ReadonlySet<string>;
  /** Which certificates of its issuer it tells of. */
  readonly scope: ListScope;
  readonly signedOctets: Uint8Array;
  readonly signature: DigitalSignature | undefined;
  /**
   * Extensions, of the list or of an entry, that are not understood: delta lists, indirect lists and lists of some reasons
   * only are among them. "The application MUST NOT use that CRL to determine the status of certificates" (section 5.2).
   */
  readonly unsupported: readonly string[];
}

/** Throws DerError when the octets are no list, or are longer than MAXIMUM_LIST. */
export function parseRevocationList(octets: Uint8Array): CertificateRevocationList {
  const { body, algorithm, signature } = parseSigned(octets, MAXIMUM_LIST);
  const reader = new DerReader(body.content);
  const version = reader.optional(TAG.INTEGER);
  if (version !== undefined && smallInteger(version.content) !== VERSION_2) throw new DerError('not version 2');
  if (Buffer.compare(reader.read(TAG.SEQUENCE).raw, algorithm) !== 0) {
    throw new DerError('two different signature algorithms');
  }
  const issuer = reader.read(TAG.SEQUENCE).raw;
  const thisUpdate = time(reader.next());
  // "Conforming CRL issuers MUST include the nextUpdate field in all CRLs" (section 5.1.2.5).
  const nextUpdate = time(reader.next());
  const { revoked, unsupported } = parseEntries(reader.optional(TAG.SEQUENCE)?.content ?? NOTHING);
  const extensions = reader.optional(EXPLICIT_0);
  reader.finish();
  const { scope, foreign } = extensions === undefined ? COMPLETE : readExtensions(extensions.content);
  unsupported.push(...foreign);
  return { issuer, thisUpdate, nextUpdate, revoked, scope, signedOctets: body.raw, signature, unsupported };
}

/** Every critical extension but one is not processed: none of them leaves a list meaning what it seems to. */
function readExtensions(content: Uint8Array): { readonly scope: ListScope; readonly foreign: readonly string[] } {
  let scope: ListScope = EVERYTHING;
  const foreign: string[] = [];
  for (const { id, critical, value } of parseExtensions(content)) {
    const found = id === ISSUING_DISTRIBUTION_POINT ? parseListScope(value) : undefined;
    if (found !== undefined) scope = found;
    else if (critical || id === ISSUING_DISTRIBUTION_POINT) foreign.push(id);
  }
  return { scope, foreign };
}

/** Of an entry. */
function criticalOf(content: Uint8Array): readonly string[] {
  return parseExtensions(content).flatMap(({ critical, id }) => (critical ? [id] : []));
}

function parseEntries(content: Uint8Array): { revoked: Set<string>; unsupported: string[] } {
  const reader = new DerReader(content);
  const revoked = new Set<string>();
  const unsupported: string[] = [];
  while (!reader.done) {
    const entry = reader.enter(TAG.SEQUENCE);
    revoked.add(Buffer.from(entry.read(TAG.INTEGER).content).toString('hex'));
    time(entry.next());
    const extensions = entry.optional(TAG.SEQUENCE);
    entry.finish();
    if (extensions !== undefined) unsupported.push(...criticalOf(extensions.raw));
  }
  return { revoked, unsupported };
}

const COMPLETE = { scope: EVERYTHING, foreign: [] } as const;
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';
const NOTHING = new Uint8Array(0);
const VERSION_2 = 1;
const EXPLICIT_0 = 0xa0;
/** Some twenty thousand entries. A CERT payload carries 64 KiB at most. */
const MAXIMUM_LIST = 1 << 20;
