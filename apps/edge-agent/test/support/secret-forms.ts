/** So many octets of a secret in a row are a leak: nobody finds the rest of sixteen by trying, and none come together by chance. */
const LEAST_OCTETS = 16;

/** A secret, and what it is. */
export interface KnownSecret {
  readonly name: string;
  readonly octets: Uint8Array;
}

/**
 * What of these secrets a text shows: the whole, its beginning or its end, as it is, in hex of either case, in base64 of either
 * alphabet wherever in a longer string it stands, or octet by octet as JavaScript prints arrays.
 */
export function secretsIn(text: string, secrets: readonly KnownSecret[]): string[] {
  return secrets.flatMap(({ name, octets }) => {
    if (octets.length < LEAST_OCTETS) throw new RangeError(`${name} is too short to be found`);
    const parts = [octets.subarray(0, LEAST_OCTETS), octets.subarray(-LEAST_OCTETS)];
    const found = parts.flatMap((part) => formsOf(part).filter(({ form }) => text.includes(form)));
    return [...new Set(found.map(({ of }) => `${name} as ${of}`))];
  });
}

/** How a part may be written. */
function formsOf(part: Uint8Array): readonly { readonly of: string; readonly form: string }[] {
  const octets = Buffer.from(part);
  const hex = octets.toString('hex');
  const pairs = hex.match(/../g) ?? [];
  return [
    { of: 'text', form: octets.toString('utf8') },
    { of: 'text', form: octets.toString('latin1') },
    { of: 'text', form: JSON.stringify(octets.toString('latin1')).slice(1, -1) },
    { of: 'hex', form: hex },
    { of: 'hex', form: hex.toUpperCase() },
    { of: 'hex', form: pairs.join(' ') },
    { of: 'hex', form: pairs.join(':') },
    ...[0, 1, 2].flatMap((shift) => [
      { of: 'base64', form: base64At(octets, shift, 'base64') },
      { of: 'base64', form: base64At(octets, shift, 'base64url') },
    ]),
    { of: 'octets', form: octets.join(',') },
    { of: 'octets', form: octets.join(', ') },
    { of: 'octets', form: [...octets].map((octet, index) => `"${index}":${octet}`).join(',') },
  ];
}

/** Where a part stands `shift` octets after the beginning of a group of three: the characters that depend on it alone. */
function base64At(octets: Buffer, shift: number, alphabet: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(shift), octets])
    .toString(alphabet)
    .replaceAll('=', '');
  const whole = Math.floor(((shift + octets.length) * 8) / 6);
  return text.slice(Math.ceil((shift * 8) / 6), whole);
}
