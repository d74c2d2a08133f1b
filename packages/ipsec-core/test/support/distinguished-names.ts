/** DER of a Name, from the top down; values become UTF8Strings unless another tag is given. */
export function nameDer(
  steps: readonly (readonly (readonly [type: string, value: string, tag?: number])[])[],
): Uint8Array {
  const sets = steps.map((attributes) =>
    der(
      0x31,
      attributes.map(([type, value, tag = 12]) =>
        der(0x30, [objectIdentifier(type), der(tag, [stringOctets(value, tag)])]),
      ),
    ),
  );
  return der(0x30, sets);
}

export function der(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const lengthOctets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...lengthOctets, ...contents]);
}

function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [40 * first + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(6, [Uint8Array.from(octets)]);
}

function stringOctets(value: string, tag: number): Uint8Array {
  if (tag === 30) return Uint8Array.from(Buffer.from(value, 'utf16le').swap16());
  return Uint8Array.from(Buffer.from(value, tag === 12 ? 'utf8' : 'latin1'));
}
