import { toHex } from '../../bytes/hex.js';
import { decodeUtf8 } from '../../bytes/text.js';
import { type DerElement, readDer } from './der.js';

/** `type` is an object identifier in dotted form. A value that is no character string is its whole DER encoding. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string | Uint8Array;
}

/** One step of the tree; nearly always a single attribute. */
export type RelativeDistinguishedName = readonly NameAttribute[];

/** An X.500 name from the top of the tree down: C = US before CN = Stephen, the other way round than RFC 4514 writes it. */
export type DistinguishedName = readonly RelativeDistinguishedName[];

/**
 * Reads the DER of a Name (RFC 5280 section 4.1.2.4), which ID_DER_ASN1_DN carries:
 *
 * ```
 * Name ::= SEQUENCE OF SET SIZE (1..MAX) OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }
 * ```
 *
 * Returns undefined when it is malformed, has trailing octets or is longer than MAXIMUM_OCTETS.
 */
export function readDistinguishedName(der: Uint8Array): DistinguishedName | undefined {
  if (der.length > MAXIMUM_OCTETS) return undefined;
  const [name, ...trailing] = readDer(der) ?? [];
  if (name?.tag !== SEQUENCE || trailing.length > 0) return undefined;
  return all(readDer(name.contents), readRelative);
}

/** Whether two steps are the same as RFC 5280 section 7.1 compares them: case and runs of spaces do not count. */
export function sameRelativeName(one: RelativeDistinguishedName, other: RelativeDistinguishedName): boolean {
  const keys = (name: RelativeDistinguishedName) => name.map(attributeKey).sort();
  const [left, right] = [keys(one), keys(other)];
  return left.length === right.length && left.every((key, i) => key === right[i]);
}

/** RFC 4519 and RFC 4514 section 3, the short names that people write. */
export const ATTRIBUTE_TYPE = {
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  title: '2.5.4.12',
  GN: '2.5.4.42',
  SN: '2.5.4.4',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  emailAddress: '1.2.840.113549.1.9.1',
} as const;

function readRelative({ tag, contents }: DerElement): RelativeDistinguishedName | undefined {
  if (tag !== SET) return undefined;
  const attributes = all(readDer(contents), readAttribute);
  return attributes?.length === 0 ? undefined : attributes;
}

function readAttribute({ tag, contents }: DerElement): NameAttribute | undefined {
  if (tag !== SEQUENCE) return undefined;
  const [type, value, ...more] = readDer(contents) ?? [];
  if (type?.tag !== OBJECT_IDENTIFIER || value === undefined || more.length > 0) return undefined;
  const dotted = readObjectIdentifier(type.contents);
  const read = value.tag in STRINGS ? STRINGS[value.tag]?.(value.contents) : value.whole.slice();
  return dotted === undefined || read === undefined ? undefined : { type: dotted, value: read };
}

/** X.690 section 8.19: base 128, the first two arcs in one number. */
function readObjectIdentifier(contents: Uint8Array): string | undefined {
  const numbers: number[] = [];
  let value = 0;
  let fresh = true;
  for (const octet of contents) {
    // Not the shortest form, or larger than any registered arc.
    if ((fresh && octet === 0x80) || value > 0xffffff) return undefined;
    value = value * 128 + (octet & 0x7f);
    fresh = octet < 0x80;
    if (!fresh) continue;
    numbers.push(value);
    value = 0;
  }
  const [first, ...rest] = numbers;
  if (first === undefined || !fresh) return undefined;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...rest].join('.');
}

/** All elements read, or undefined when there are none to read or one is malformed. */
function all<T>(
  elements: readonly DerElement[] | undefined,
  read: (element: DerElement) => T | undefined,
): readonly T[] | undefined {
  const made = elements?.map(read);
  return made?.every((value): value is T & {} => value !== undefined) === true ? made : undefined;
}

/** RFC 4518: compatibility forms, case and insignificant spaces are folded. */
function attributeKey({ type, value }: NameAttribute): string {
  if (typeof value !== 'string') return `${type}#${toHex(value)}`;
  return `${type}=${value.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')}`;
}

function latin1(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}

function ascii(octets: Uint8Array): string | undefined {
  return octets.every((octet) => octet < 0x80) ? latin1(octets) : undefined;
}

function utf16(octets: Uint8Array): string | undefined {
  if (octets.length % 2 !== 0) return undefined;
  return String.fromCharCode(
    ...Array.from({ length: octets.length / 2 }, (_, i) => (octets[2 * i] ?? 0) * 256 + (octets[2 * i + 1] ?? 0)),
  );
}

const SEQUENCE = 0x30;
const SET = 0x31;
const OBJECT_IDENTIFIER = 0x06;
/** The character strings of X.680; a TeletexString is Latin-1 in practice. */
const STRINGS: Readonly<Record<number, (octets: Uint8Array) => string | undefined>> = {
  12: decodeUtf8,
  18: ascii,
  19: ascii,
  20: latin1,
  22: ascii,
  26: ascii,
  30: utf16,
};
const MAXIMUM_OCTETS = 4096;
