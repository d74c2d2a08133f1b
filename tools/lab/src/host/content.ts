import { createCipheriv, createHash, type Hash } from 'node:crypto';
import { PLAINTEXT_MARKER } from '../capture/inner-traffic.js';

/** The file every host serves. Even one packet's worth of it in the clear contains the marker. */
export const FILE_MEBIBYTES = 64;
export const FILE_PORT = 8000;

/**
 * Pseudo-random octets that no compression or repetition could fake, different for every seed, with the plaintext marker
 * every MARKER_PERIOD octets.
 */
export function makeContent(seed: string, octets: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  const content = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(octets));
  const marker = Buffer.from(PLAINTEXT_MARKER, 'latin1');
  for (let offset = 0; offset + marker.length <= octets; offset += MARKER_PERIOD) marker.copy(content, offset);
  return content;
}

/** SHA-256 in hexadecimal. */
export function digestOf(content: Buffer | readonly Buffer[]): string {
  const pieces: readonly Buffer[] = Buffer.isBuffer(content) ? [content] : content;
  return pieces.reduce<Hash>((hash, piece) => hash.update(piece), createHash('sha256')).digest('hex');
}

/** Shorter than the payload of one packet at the smallest IPv6 MTU, so that every full packet has a whole marker. */
const MARKER_PERIOD = 512;
