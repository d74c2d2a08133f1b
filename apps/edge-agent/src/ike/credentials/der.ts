/** Octets that are no DER (X.690 section 10), or no value of the expected type. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** One value: its tag octet, its content, and the whole encoding. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

/**
 * Reads DER values one after the other. Strict, because certificates come from strangers: definite lengths in their
 * shortest form, low tag numbers only, nothing left over after `finish`. It reads in place and follows no nesting by
 * itself, so that its cost is that of the values asked for.
 */
export class DerReader {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get done(): boolean {
    return this.#at === this.#octets.length;
  }

  /** The tag of the next value; undefined at the end. */
  get tag(): number | undefined {
    return this.#octets[this.#at];
  }

  /** The next value, whatever it is. Throws DerError. */
  next(): DerValue {
    const start = this.#at;
    const tag = this.#octet();
    if ((tag & 0x1f) === 0x1f) throw new DerError('a tag number above 30');
    const length = this.#length();
    const content = this.#octets.subarray(this.#at, this.#at + length);
    if (content.length !== length) throw new DerError('a value is longer than what holds it');
    this.#at += length;
    return { tag, content, raw: this.#octets.subarray(start, this.#at) };
  }

  /** The next value, of this type. Throws DerError. */
  read(tag: number): DerValue {
    if (this.tag !== tag) throw new DerError(`tag ${hex(tag)} expected, ${hex(this.tag)} found`);
    return this.next();
  }

  /** A reader of the content of the next value, of this type. Throws DerError. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content);
  }

  /** The next value when it is of this type. Throws DerError. */
  optional(tag: number): DerValue | undefined {
    return this.tag === tag ? this.next() : undefined;
  }

  /** Throws DerError when something is left. */
  finish(): void {
    if (!this.done) throw new DerError(`${this.#octets.length - this.#at} octets too many`);
  }

  #octet(): number {
    const octet = this.#octets[this.#at];
    if (octet === undefined) throw new DerError('the end came too early');
    this.#at++;
    return octet;
  }

  #length(): number {
    const first = this.#octet();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw new DerError('a length that DER does not have, or of 16 MiB and more');
    let length = 0;
    for (let index = 0; index < count; index++) length = (length << 8) | this.#octet();
    if (length < 0x80 || length >>> (8 * (count - 1)) === 0)
      throw new DerError('a length in more octets than it needs');
    return length;
  }
}

/** Dotted form of an OBJECT IDENTIFIER's content. Throws DerError. */
export function objectIdentifier(content: Uint8Array): string {
  const parts: number[] = [];
  let value = 0;
  for (const [index, octet] of content.entries()) {
    if (value === 0 && octet === 0x80) throw new DerError('an object identifier with a padded arc');
    if (value > 2 ** 24) throw new DerError('an object identifier with an arc beyond 31 bits');
    value = (value << 7) | (octet & 0x7f);
    if ((octet & 0x80) !== 0) {
      if (index === content.length - 1) throw new DerError('an object identifier that is cut short');
      continue;
    }
    if (parts.length === 0) {
      const root = Math.min(2, Math.floor(value / 40));
      parts.push(root, value - 40 * root);
    } else parts.push(value);
    value = 0;
  }
  if (parts.length === 0) throw new DerError('an empty object identifier');
  return parts.join('.');
}

/** A non-negative INTEGER that fits 31 bits. Throws DerError. */
export function smallInteger(content: Uint8Array): number {
  const [first = 0x80, second] = content;
  if ((first & 0x80) !== 0) throw new DerError('a negative or empty integer');
  if (first === 0 && second !== undefined && (second & 0x80) === 0) throw new DerError('a padded integer');
  if (content.length > 4) throw new DerError('an integer beyond 31 bits');
  return content.reduce((value, octet) => value * 256 + octet, 0);
}

/** BOOLEAN: "If the encoding represents the boolean value TRUE, its single contents octet shall have all eight bits set" (X.690 11.1). */
export function boolean(content: Uint8Array): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw new DerError('a boolean that is neither');
  return content[0] === 0xff;
}

/** UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 allows: in seconds, in Z. Milliseconds since 1970. Throws DerError. */
export function time({ tag, content }: DerValue): number {
  const text = String.fromCharCode(...content);
  const match = (tag === TAG.UTC_TIME ? UTC_TIME : GENERALIZED_TIME).exec(text);
  if (match === null || (tag !== TAG.UTC_TIME && tag !== TAG.GENERALIZED_TIME))
    throw new DerError('a time in no known form');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const full = tag === TAG.UTC_TIME ? year + (year < 50 ? 2000 : 1900) : year;
  const value = Date.UTC(full, month - 1, day, hour, minute, second);
  const again = new Date(value);
  if (again.getUTCDate() !== day || again.getUTCMonth() !== month - 1 || hour > 23 || minute > 59 || second > 59) {
    throw new DerError('a time that does not exist');
  }
  return value;
}

/** Universal tags, constructed where the type is. */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OBJECT_IDENTIFIER: 0x06,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
} as const;

function hex(tag: number | undefined): string {
  return tag === undefined ? 'the end' : `0x${tag.toString(16).padStart(2, '0')}`;
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
