import { toHex } from '../../bytes/hex.js';
import { ATTRIBUTE_TYPE, type DistinguishedName, type NameAttribute } from './distinguished-name.js';

/**
 * A distinguished name as people write it, RFC 4514 section 2: the last step first, `CN=edge-3,O=Example\, Inc.,C=US`. Types
 * beyond the short names are numbers; a value that is no character string is `#` and its encoding. What a terminal or a log
 * would not show as it stands is escaped, octet by octet, like the characters that section 2.4 demands.
 */
export function nameText(name: DistinguishedName): string {
  return [...name]
    .reverse()
    .map((step) => step.map(attributeText).join('+'))
    .join(',');
}

function attributeText({ type, value }: NameAttribute): string {
  const short = SHORT_NAMES.get(type) ?? type;
  return `${short}=${typeof value === 'string' ? escaped(value) : `#${toHex(value)}`}`;
}

function escaped(value: string): string {
  const characters = Array.from(value);
  const last = characters.length - 1;
  return characters
    .map((character, index) => {
      const atAnEnd =
        (index === 0 && (character === ' ' || character === '#')) || (index === last && character === ' ');
      if (atAnEnd || SPECIAL.has(character)) return `\\${character}`;
      return UNSHOWN.test(character) ? octetsOf(character) : character;
    })
    .join('');
}

/** "a backslash followed by the two hexadecimal digits representing … the octet" of UTF-8. */
function octetsOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const octets: number[] = [];
  if (code < 0x80) octets.push(code);
  else {
    const continued = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    octets.push(((0xf0 << (3 - continued)) & 0xff) | (code >>> (6 * continued)));
    for (let shift = 6 * (continued - 1); shift >= 0; shift -= 6) octets.push(0x80 | ((code >>> shift) & 0x3f));
  }
  return octets.map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('');
}

const SPECIAL: ReadonlySet<string> = new Set('"+,;<>\\');
/** Controls, marks that change the direction of writing, separators of lines. */
const UNSHOWN = /[\p{C}\p{Zl}\p{Zp}]/u;
const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(ATTRIBUTE_TYPE).map(([short, type]) => [type, short]),
);
