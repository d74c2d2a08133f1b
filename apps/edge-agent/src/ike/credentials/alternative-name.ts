import { DerError, DerReader, TAG } from './der.js';

/** A GeneralName (RFC 5280 section 4.2.1.6). Names that are text are so already; the rest keep their octets. */
export type AlternativeName =
  | { readonly kind: 'email' | 'dns' | 'uri'; readonly text: string; readonly raw: Uint8Array }
  | { readonly kind: 'ip'; readonly address: Uint8Array; readonly raw: Uint8Array }
  | { readonly kind: 'other'; readonly raw: Uint8Array };

/** The content of a subjectAltName extension. Throws DerError. */
export function parseAlternativeNames(value: Uint8Array): readonly AlternativeName[] {
  const outer = new DerReader(value);
  const reader = outer.enter(TAG.SEQUENCE);
  outer.finish();
  const names: AlternativeName[] = [];
  while (!reader.done) {
    if (names.length === MAXIMUM_NAMES) throw new DerError(`more than ${MAXIMUM_NAMES} alternative names`);
    names.push(parseName(reader));
  }
  if (names.length === 0) throw new DerError('no name among the alternative names');
  return names;
}

function parseName(reader: DerReader): AlternativeName {
  const { tag, content, raw } = reader.next();
  const text = TEXT_NAMES.get(tag);
  if (text !== undefined) return { kind: text, text: ia5String(content), raw };
  if (tag !== IP_ADDRESS) return { kind: 'other', raw };
  if (content.length !== 4 && content.length !== 16) throw new DerError('an address of neither 4 nor 16 octets');
  return { kind: 'ip', address: content, raw };
}

/** IA5String. A zero octet would end the name early for whoever reads it as a C string. */
function ia5String(content: Uint8Array): string {
  if (content.length === 0 || content.some((octet) => octet <= 0x20 || octet >= 0x7f)) {
    throw new DerError('an alternative name with characters that no name has');
  }
  return String.fromCharCode(...content);
}

const TEXT_NAMES: ReadonlyMap<number, 'email' | 'dns' | 'uri'> = new Map([
  [0x81, 'email'],
  [0x82, 'dns'],
  [0x86, 'uri'],
]);
const IP_ADDRESS = 0x87;
const MAXIMUM_NAMES = 64;
