import { toHex } from '../../../bytes/hex.js';
import { formatAddress } from '../../ip/address.js';
import { readDer } from '../../x509/der.js';
import { readDistinguishedName } from '../../x509/distinguished-name.js';
import { nameText } from '../../x509/name-text.js';
import { ID_TYPE, nameOf } from '../iana.js';
import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Identification payload, RFC 7296 section 3.5.
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   ID Type     |                 RESERVED                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                   Identification Data                         ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
export interface IdentificationPayload {
  readonly kind: 'IDi' | 'IDr';
  readonly identity: Identity;
  /** The payload's body as received, RESERVED included: AUTH is computed over it (section 2.15, RestOfInitIDPayload). */
  readonly body: Uint8Array;
}

export interface Identity {
  readonly type: number;
  readonly data: Uint8Array;
}

export function identification(kind: 'IDi' | 'IDr', identity: Identity): IdentificationPayload {
  const body = new Uint8Array(4 + identity.data.length);
  body[0] = identity.type;
  body.set(identity.data, 4);
  return { kind, identity, body };
}

export function parseIdentification(kind: 'IDi' | 'IDr', reader: Reader): IdentificationPayload {
  const body = reader.copyOfRest();
  if (body.length < 4) throw new IkeWireError({ code: 'truncated', what: kind, need: 4, have: body.length });
  const type = body[0] ?? 0;
  const data = body.subarray(4);
  const exact = EXACT_LENGTHS.get(type);
  if (exact !== undefined && data.length !== exact) {
    throw new IkeWireError({ code: 'bad_length', what: nameOf(ID_TYPE, type), length: data.length });
  }
  return { kind, identity: { type, data }, body };
}

export function encodeIdentification(payload: IdentificationPayload, writer: Writer): void {
  writer.bytes(payload.body);
}

/** For people: names and addresses as text, distinguished names as RFC 4514 writes them, the rest as type and hexadecimal. */
export function describeIdentity(identity: Identity): string {
  if (identity.type === ID_TYPE.FQDN || identity.type === ID_TYPE.RFC822_ADDR) {
    return printable(identity.data);
  }
  if (identity.type === ID_TYPE.IPV4_ADDR || identity.type === ID_TYPE.IPV6_ADDR) return formatAddress(identity.data);
  const name = identity.type === ID_TYPE.DER_ASN1_DN ? distinguishedName(identity.data) : generalName(identity);
  if (name !== undefined) return name;
  return `${nameOf(ID_TYPE, identity.type)}:${toHex(identity.data)}`;
}

export function sameIdentity(left: Identity, right: Identity): boolean {
  return (
    left.type === right.type &&
    left.data.length === right.data.length &&
    left.data.every((octet, index) => octet === right.data[index])
  );
}

function distinguishedName(der: Uint8Array): string | undefined {
  const name = readDistinguishedName(der);
  return name === undefined || name.length === 0 ? undefined : nameText(name);
}

/** A GeneralName (RFC 5280 section 4.2.1.6) that is text, or a directoryName. */
function generalName({ type, data }: Identity): string | undefined {
  const [name, ...more] = type === ID_TYPE.DER_ASN1_GN ? (readDer(data) ?? []) : [];
  if (name === undefined || more.length > 0) return undefined;
  if (TEXT_NAMES.has(name.tag)) return printable(name.contents);
  return name.tag === DIRECTORY_NAME ? distinguishedName(name.contents) : undefined;
}

function printable(octets: Uint8Array): string {
  return Array.from(octets, (octet) => (octet > 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '?')).join('');
}

/** Context tags of rfc822Name, dNSName and uniformResourceIdentifier. */
const TEXT_NAMES: ReadonlySet<number> = new Set([0x81, 0x82, 0x86]);
const DIRECTORY_NAME = 0xa4;
const EXACT_LENGTHS: ReadonlyMap<number, number> = new Map([
  [ID_TYPE.IPV4_ADDR, 4],
  [ID_TYPE.IPV6_ADDR, 16],
]);
