import { octetsFromNumber } from './address/octets.js';
import { parseAddressText } from './address/text.js';
import type { BundleIdentity } from './bundle.js';
import { DOMAIN_PATTERN, isDomainName, MAX_DOMAIN_NAME } from './domain-name.js';

/**
 * Reads an identity as operators write it, and as swanctl.conf types it when it names no type: an address, a mailbox or a
 * domain name (RFC 7296 section 3.5); or, with `keyid:` before it, "an opaque octet stream that may be used to pass
 * vendor-specific information": text, or `#` and hexadecimal. Undefined when it is none of these.
 */
export function parseIkeIdentity(text: string): BundleIdentity | undefined {
  const address = parseAddressText(text);
  if (address !== undefined) {
    return { type: address.family === 4 ? 1 : 5, data: octetsFromNumber(address.value, address.family) };
  }
  if (text.length > MAX_DOMAIN_NAME) return undefined;
  const [, hexadecimal, key] = KEY_ID.exec(text) ?? [];
  if (hexadecimal !== undefined) return { type: 11, data: fromHexadecimal(hexadecimal) };
  if (key !== undefined) return { type: 11, data: ascii(key) };
  if (MAILBOX.test(text)) return { type: 3, data: ascii(text) };
  // "an example of an ID_FQDN is 'example.com'": what is made of digits alone is an address that went wrong.
  return isDomainName(text) && !/^[0-9.]+$/.test(text) ? { type: 2, data: ascii(text) } : undefined;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function fromHexadecimal(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
}

/** What gateways and their files take as it stands; other octets are written in hexadecimal. */
const KEY_ID = /^keyid:(?:#((?:[0-9a-f]{2})+)|([a-z0-9._@:/+=-]+))$/i;
const MAILBOX = new RegExp(`^[A-Za-z0-9!#$%&'*+/=?^_\`{|}~.-]{1,64}@${DOMAIN_PATTERN}$`);
