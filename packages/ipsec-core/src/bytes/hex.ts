/** Lower-case hexadecimal without separators. */
export function toHex(octets: Uint8Array): string {
  let text = '';
  for (let i = 0; i < octets.length; i++) text += DIGITS[octets[i] ?? 0];
  return text;
}

/** Reads hexadecimal, white space between octets allowed. Throws RangeError on anything else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s+/g, '');
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits))
    throw new RangeError('Not hexadecimal: pass an even number of hex digits.');
  const octets = new Uint8Array(digits.length / 2);
  for (let i = 0; i < octets.length; i++) octets[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return octets;
}

const DIGITS: readonly string[] = Array.from({ length: 256 }, (_unused, octet) => octet.toString(16).padStart(2, '0'));
