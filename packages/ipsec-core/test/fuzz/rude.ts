import type { EspTransform } from '@weft/ipsec-core';
import type { Mutation } from './mutations.js';
import type { ClearShape } from './packets.js';

/** What a peer with the right keys seals that it should not: a packet of its choice behind any trailer. */
export interface RudePlaintext {
  readonly shape: ClearShape;
  readonly mutations: readonly Mutation[];
  readonly padding: number;
  /** 256 stands for the truth. */
  readonly padLength: number;
  readonly next: number;
  readonly outerEcn: number;
}

/** A packet, padding and a trailer that may lie about it. */
export function rudePlaintext(
  inner: Uint8Array,
  { padding, padLength, next }: RudePlaintext,
  alignment: number,
): Uint8Array {
  let pad = padding;
  while ((inner.length + pad + 2) % alignment !== 0) pad++;
  if (pad > 255) pad -= alignment;
  const plaintext = new Uint8Array(inner.length + pad + 2);
  plaintext.set(inner);
  for (let i = 0; i < pad; i++) plaintext[inner.length + i] = i + 1;
  plaintext[inner.length + pad] = padLength === 256 ? pad : padLength;
  plaintext[inner.length + pad + 1] = next;
  return plaintext;
}

/** A whole ESP packet with this plaintext, whatever it is, and a good ICV. */
export function sealPlaintext(
  transform: EspTransform,
  spi: number,
  sequence: number,
  plaintext: Uint8Array,
): Uint8Array {
  const start = 8 + transform.ivLength;
  const wire = new Uint8Array(start + plaintext.length + transform.icvLength);
  const view = new DataView(wire.buffer);
  view.setUint32(0, spi);
  view.setUint32(4, sequence);
  wire.set(plaintext, start);
  transform.writeIv(wire, 0, 0);
  transform.seal(wire, 0, wire.length, 0);
  return wire;
}
