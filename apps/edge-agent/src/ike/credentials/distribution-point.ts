import { boolean, DerError, DerReader, TAG } from './der.js';

/** One place where an authority says which of its certificates are revoked (RFC 5280 section 4.2.1.13). */
export interface DistributionPoint {
  /** Names of the place, in hexadecimal, to be compared as they are: each is DER of a GeneralName, or of what follows the issuer's name. */
  readonly names: ReadonlySet<string>;
  /** Its lists tell of some reasons only, or are signed by somebody else than the issuer. */
  readonly partial: boolean;
}

/** Which certificates of its issuer a list tells of (RFC 5280 section 5.2.5). */
export interface ListScope {
  /** Undefined: whatever distribution point they name. */
  readonly names: ReadonlySet<string> | undefined;
  readonly only: 'users' | 'authorities' | undefined;
}

/** What the scope is held against. */
export interface ScopedCertificate {
  /** DER of the name. */
  readonly issuer: Uint8Array;
  readonly authority: unknown;
  readonly distributionPoints: readonly DistributionPoint[];
}

/**
 * Whether a list that says nothing of a certificate says that it is not revoked: section 6.3.3 (b) (2), for lists that tell
 * of all reasons and that the issuer of the certificate signs itself. Where no distribution point of the certificate is meant,
 * "a distribution point name of the certificate issuer" is taken.
 */
export function covers({ names, only }: ListScope, certificate: ScopedCertificate): boolean {
  const { issuer, authority, distributionPoints } = certificate;
  if (only === 'users' && authority !== undefined) return false;
  if (only === 'authorities' && authority === undefined) return false;
  if (names === undefined) return true;
  const whole = distributionPoints.filter(({ partial }) => !partial);
  return names.has(directoryName(issuer)) || whole.some((point) => [...point.names].some((name) => names.has(name)));
}

/** The content of a cRLDistributionPoints extension. Throws DerError. */
export function parseDistributionPoints(value: Uint8Array): readonly DistributionPoint[] {
  const outer = new DerReader(value);
  const list = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const points: DistributionPoint[] = [];
  while (!list.done) {
    if (points.length === MAXIMUM_POINTS) throw new DerError(`more than ${MAXIMUM_POINTS} distribution points`);
    const point = list.enter(TAG.SEQUENCE);
    const name = point.optional(NAME);
    const [reasons, listIssuer] = [point.optional(REASONS), point.optional(LIST_ISSUER)];
    point.finish();
    const partial = reasons !== undefined || listIssuer !== undefined;
    points.push({ names: name === undefined ? new Set() : parsePointName(name.content), partial });
  }
  return points;
}

/**
 * The content of an issuingDistributionPoint extension; undefined for what is not processed: lists of some reasons, of other
 * issuers, of attribute certificates, or of nothing at all. Throws DerError.
 */
export function parseListScope(value: Uint8Array): ListScope | undefined {
  const outer = new DerReader(value);
  const scope = outer.enter(TAG.SEQUENCE);
  outer.finish();
  if (scope.done) return undefined;
  const name = scope.optional(NAME);
  const [users, authorities] = [flag(scope, ONLY_USERS), flag(scope, ONLY_AUTHORITIES)];
  const someReasons = scope.optional(ONLY_SOME_REASONS) !== undefined;
  const [indirect, attributes] = [flag(scope, INDIRECT), flag(scope, ONLY_ATTRIBUTES)];
  scope.finish();
  if (someReasons || indirect || attributes || (users && authorities)) return undefined;
  const names = name === undefined ? undefined : parsePointName(name.content);
  return { names, only: users ? 'users' : authorities ? 'authorities' : undefined };
}

/** A list without the extension: it tells of all certificates of its issuer. */
export const EVERYTHING: ListScope = { names: undefined, only: undefined };

/** DistributionPointName: full names, or one relative to the name of the issuer of the list, which here is that of the certificate. */
function parsePointName(content: Uint8Array): ReadonlySet<string> {
  const outer = new DerReader(content);
  const { tag, content: inner, raw } = outer.next();
  outer.finish();
  if (tag === RELATIVE) return new Set([hex(raw)]);
  if (tag !== FULL) throw new DerError('the name of a distribution point that is neither full nor relative');
  const reader = new DerReader(inner);
  const names = new Set<string>();
  while (!reader.done) {
    if (names.size === MAXIMUM_POINTS) throw new DerError(`a distribution point of more than ${MAXIMUM_POINTS} names`);
    names.add(hex(reader.next().raw));
  }
  if (names.size === 0) throw new DerError('a distribution point without a name');
  return names;
}

/** BOOLEAN DEFAULT FALSE. */
function flag(reader: DerReader, tag: number): boolean {
  const value = reader.optional(tag);
  return value !== undefined && boolean(value.content);
}

/** A Name as a GeneralName: tagged explicitly, as a Name is a CHOICE. */
function directoryName(name: Uint8Array): string {
  const { length } = name;
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
  return hex(Uint8Array.of(DIRECTORY_NAME, ...octets)) + hex(name);
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

const NAME = 0xa0;
const REASONS = 0x81;
const LIST_ISSUER = 0xa2;
const FULL = 0xa0;
const RELATIVE = 0xa1;
const DIRECTORY_NAME = 0xa4;
const ONLY_USERS = 0x81;
const ONLY_AUTHORITIES = 0x82;
const ONLY_SOME_REASONS = 0x83;
const INDIRECT = 0x84;
const ONLY_ATTRIBUTES = 0x85;
const MAXIMUM_POINTS = 16;
