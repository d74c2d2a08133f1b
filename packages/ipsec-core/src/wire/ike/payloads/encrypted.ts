import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

/**
 * Encrypted and Authenticated payload, RFC 7296 section 3.14: IV, ciphertext and ICV, opaque here. Its Next Payload is
 * "the type of the first payload embedded in it", and it is the last payload of its message.
 */
export interface EncryptedPayload {
  readonly kind: 'SK';
  readonly firstInner: number;
  readonly data: Uint8Array;
}

export function parseEncrypted(firstInner: number, reader: Reader): EncryptedPayload {
  return { kind: 'SK', firstInner, data: reader.copyOfRest() };
}

export function encodeEncrypted(payload: EncryptedPayload, writer: Writer): void {
  writer.bytes(payload.data);
}
