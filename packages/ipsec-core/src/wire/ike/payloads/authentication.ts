import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

/**
 * Authentication payload, RFC 7296 section 3.8: method, three reserved octets, authentication data.
 */
export interface AuthenticationPayload {
  readonly kind: 'AUTH';
  readonly method: number;
  readonly data: Uint8Array;
}

export function parseAuthentication(reader: Reader): AuthenticationPayload {
  const method = reader.uint8();
  reader.skip(3);
  return { kind: 'AUTH', method, data: reader.copyOfRest() };
}

export function encodeAuthentication(payload: AuthenticationPayload, writer: Writer): void {
  writer.uint8(payload.method).zeros(3).bytes(payload.data);
}
