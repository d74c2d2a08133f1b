import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

/**
 * Key Exchange payload, RFC 7296 section 3.4 (method numbers as RFC 9370 names them).
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Key Exchange Method      |           RESERVED            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~                       Key Exchange Data                       ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
export interface KeyExchangePayload {
  readonly kind: 'KE';
  readonly method: number;
  readonly data: Uint8Array;
}

export function parseKeyExchange(reader: Reader): KeyExchangePayload {
  const method = reader.uint16();
  reader.skip(2);
  return { kind: 'KE', method, data: reader.copyOfRest() };
}

export function encodeKeyExchange(payload: KeyExchangePayload, writer: Writer): void {
  writer.uint16(payload.method).uint16(0).bytes(payload.data);
}
