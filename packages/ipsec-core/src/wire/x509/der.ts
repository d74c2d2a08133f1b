/** One element of a DER encoding. Views into what was read. */
export interface DerElement {
  /** The identifier octet; tags above 30 do not occur in what the engine reads. */
  readonly tag: number;
  readonly contents: Uint8Array;
  /** With identifier and length. */
  readonly whole: Uint8Array;
}

/**
 * The elements that follow each other in these octets, to the last one (X.690 section 10: definite lengths in their
 * shortest form). Returns undefined when they are malformed.
 */
export function readDer(octets: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < octets.length) {
    const element = readElement(octets, at);
    if (element === undefined) return undefined;
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

function readElement(octets: Uint8Array, at: number): DerElement | undefined {
  const tag = octets[at];
  const short = octets[at + 1];
  if (tag === undefined || short === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const lengthOctets = short < 0x80 ? 0 : short & 0x7f;
  if (short === 0x80 || lengthOctets > 3) return undefined;
  let length = short < 0x80 ? short : 0;
  for (let i = 0; i < lengthOctets; i++) length = length * 256 + (octets[at + 2 + i] ?? 0);
  const isShortest = lengthOctets === 0 || (length >= 0x80 && length >= 256 ** (lengthOctets - 1));
  const start = at + 2 + lengthOctets;
  if (!isShortest || start + length > octets.length) return undefined;
  return { tag, contents: octets.subarray(start, start + length), whole: octets.subarray(at, start + length) };
}
