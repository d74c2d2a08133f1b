import { decodeUtf8 } from '../bytes/text.js';
import { PolicyError } from '../errors.js';
import { ID_TYPE } from '../wire/ike/iana.js';
import type { Identity } from '../wire/ike/payloads/identification.js';
import type { AddressRange } from '../wire/ip/address.js';
import { type DistinguishedName, readDistinguishedName, sameRelativeName } from '../wire/x509/distinguished-name.js';
import { containsAddress } from './address-ranges.js';
import { checkRanges, compareOctets } from './selector.js';

/** A name by which policy knows a peer or a group of peers: what IKE identities it matches. */
export type PeerName =
  /** `foo.example.com`, or `.example.com` for every name below example.com. */
  | { readonly kind: 'dns-name'; readonly name: string }
  /** `foo@example.com`, `@example.com` for everybody there, or `.example.com` for everybody at hosts below it. */
  | { readonly kind: 'email-address'; readonly address: string }
  /** `sub-tree`: every name that begins, at the top, with these relative names. */
  | { readonly kind: 'distinguished-name'; readonly name: DistinguishedName; readonly match: 'complete' | 'sub-tree' }
  /** Exact match only. */
  | { readonly kind: 'key-id'; readonly octets: Uint8Array };

/** The six types of IDs of a PAD entry (RFC 4301 section 4.4.3.1); a range is of IPv4 or of IPv6 addresses. */
export type PeerIdentifier = PeerName | { readonly kind: 'address'; readonly range: AddressRange };

/** Whether an IKE identity, as a peer asserts it, is one that the identifier stands for. Never throws. */
export function matchesIdentity(identifier: PeerIdentifier, { type, data }: Identity): boolean {
  switch (identifier.kind) {
    case 'dns-name':
      return type === ID_TYPE.FQDN && matchesDomain(identifier.name, textOf(data) ?? '');
    case 'email-address':
      return type === ID_TYPE.RFC822_ADDR && matchesEmail(identifier.address, textOf(data) ?? '');
    case 'distinguished-name':
      return type === ID_TYPE.DER_ASN1_DN && matchesName(identifier, data);
    case 'key-id':
      return type === ID_TYPE.KEY_ID && compareOctets(identifier.octets, data) === 0;
    case 'address':
      return (type === ID_TYPE.IPV4_ADDR || type === ID_TYPE.IPV6_ADDR) && containsAddress(identifier.range, data);
  }
}

/** Throws PolicyError when an identifier is malformed. */
export function checkPeerIdentifier(identifier: PeerIdentifier, path: string): void {
  switch (identifier.kind) {
    case 'dns-name':
      if (DOMAIN.test(identifier.name) && identifier.name.length <= MAXIMUM_DOMAIN) return;
      throw malformed(`${path}.name`, 'a DNS name is "foo.example.com", or ".example.com" for all below it.');
    case 'email-address':
      if (EMAIL.test(identifier.address)) return;
      throw malformed(`${path}.address`, 'write "foo@example.com", "@example.com", or ".example.com" for hosts below.');
    case 'distinguished-name':
      if (identifier.name.length > 0 && identifier.name.every((step) => step.length > 0)) return;
      throw malformed(`${path}.name`, 'a distinguished name has at least one relative name, and none is empty.');
    case 'key-id':
      if (identifier.octets.length > 0) return;
      throw malformed(`${path}.octets`, 'a Key ID has at least one octet.');
    case 'address':
      checkRanges([identifier.range], `${path}.range`);
  }
}

function matchesDomain(asked: string, name: string): boolean {
  const [left, right] = [asked.toLowerCase(), name.toLowerCase()];
  if (!DOMAIN.test(name) || name.startsWith('.')) return false;
  return left.startsWith('.') ? right.endsWith(left) : left === right;
}

/** RFC 5280 section 7.5: the local part is compared as it stands, the domain without regard to case. */
function matchesEmail(asked: string, address: string): boolean {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  if (at < 1) return false;
  if (asked.startsWith('.')) return matchesDomain(asked, domain);
  const split = asked.lastIndexOf('@');
  const localPart = asked.slice(0, split);
  return (localPart === '' || localPart === address.slice(0, at)) && matchesDomain(asked.slice(split + 1), domain);
}

function matchesName(
  { name, match }: { readonly name: DistinguishedName; readonly match: 'complete' | 'sub-tree' },
  der: Uint8Array,
): boolean {
  const asserted = readDistinguishedName(der);
  if (asserted === undefined || (match === 'complete' && asserted.length !== name.length)) return false;
  return name.every((step, i) => sameRelativeName(step, asserted[i] ?? []));
}

/** RFC 7296 section 3.5: "MUST NOT contain any terminators"; spaces and other controls are no part of a name either. */
function textOf(octets: Uint8Array): string | undefined {
  return octets.every((octet) => octet > 0x20 && octet !== 0x7f) ? decodeUtf8(octets) : undefined;
}

function malformed(path: string, message: string): PolicyError {
  return new PolicyError('MALFORMED_IDENTITY', path, message);
}

const LABEL = '[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?';
/** Internationalized names are in their ASCII form. */
const DOMAIN = new RegExp(`^\\.?${LABEL}(?:\\.${LABEL})*$`);
const EMAIL = new RegExp(`^(?:[^\\s@]*@${LABEL}(?:\\.${LABEL})*|\\.${LABEL}(?:\\.${LABEL})*)$`);
const MAXIMUM_DOMAIN = 254;
