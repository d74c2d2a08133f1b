import { parseIkeIdentity } from '../external-identity.js';

/**
 * An identity as operators of external peers write it, from what strongSwan takes for the same: "@" before a domain name, "@#" before
 * a key ID in hexadecimal, or its type and a colon before it. Undefined for one of another type, which external peers cannot have, and
 * for one that is none.
 */
export function writtenIdentity(text: string): string | undefined {
  const [, prefix = '', rest = ''] = /^(@#|@(?!@)|[a-z0-9]+:)?(.*)$/is.exec(text) ?? [];
  const type = TYPES.get(prefix.toLowerCase());
  // An IPv6 address may begin as a type does.
  if (prefix === '' || type === undefined) return parseIkeIdentity(text) === undefined ? undefined : text;
  const written = type === KEY_ID ? `keyid:${prefix === '@#' ? '#' : ''}${rest}` : rest;
  return parseIkeIdentity(written)?.type === type ? written : undefined;
}

const KEY_ID = 11;
/** Identification types (RFC 7296 section 3.5). */
const TYPES: ReadonlyMap<string, number> = new Map([
  ['@', 2],
  ['fqdn:', 2],
  ['dns:', 2],
  ['rfc822:', 3],
  ['email:', 3],
  ['userfqdn:', 3],
  ['ipv4:', 1],
  ['ipv6:', 5],
  ['@#', KEY_ID],
  ['keyid:', KEY_ID],
]);
