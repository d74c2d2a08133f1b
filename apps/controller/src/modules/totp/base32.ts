/** Base 32 (RFC 4648 section 6) without padding, as authenticators take it. */
export function base32(octets: Uint8Array): string {
  let [text, value, bits] = ['', 0, 0];
  for (const octet of octets) {
    value = ((value & 0x1f) << 8) | octet;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET.charAt((value >> (bits - 5)) & 0x1f);
  }
  return bits === 0 ? text : text + ALPHABET.charAt((value << (5 - bits)) & 0x1f);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
