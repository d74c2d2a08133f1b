import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/** Nonce payload, RFC 7296 section 3.9: "between 16 and 256 octets, inclusive". */
export interface NoncePayload {
  readonly kind: 'Nonce';
  readonly data: Uint8Array;
}

export const MINIMUM_NONCE = 16;
export const MAXIMUM_NONCE = 256;

export function parseNonce(reader: Reader): NoncePayload {
  const data = reader.copyOfRest();
  if (data.length < MINIMUM_NONCE || data.length > MAXIMUM_NONCE) {
    throw new IkeWireError({ code: 'bad_length', what: 'the nonce', length: data.length });
  }
  return { kind: 'Nonce', data };
}

export function encodeNonce(payload: NoncePayload, writer: Writer): void {
  writer.bytes(payload.data);
}
