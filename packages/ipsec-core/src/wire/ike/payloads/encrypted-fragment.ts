import type { Reader } from '../reader.js';
import { IkeWireError } from '../wire-error.js';
import type { Writer } from '../writer.js';

/**
 * Encrypted and Authenticated Fragment payload, RFC 7383 section 2.5.
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Fragment Number        |        Total Fragments        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ~             Initialization Vector, ciphertext, ICV            ~
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * Both numbers start at one. Next Payload is the first inner type in fragment 1 and zero in the others.
 */
export interface EncryptedFragmentPayload {
  readonly kind: 'SKF';
  readonly firstInner: number;
  readonly number: number;
  readonly total: number;
  readonly data: Uint8Array;
}

export function parseEncryptedFragment(firstInner: number, reader: Reader): EncryptedFragmentPayload {
  const number = reader.uint16();
  const total = reader.uint16();
  if (number === 0 || number > total) {
    throw new IkeWireError({ code: 'bad_value', what: 'a fragment number', value: number });
  }
  return { kind: 'SKF', firstInner, number, total, data: reader.copyOfRest() };
}

export function encodeEncryptedFragment(payload: EncryptedFragmentPayload, writer: Writer): void {
  writer.uint16(payload.number).uint16(payload.total).bytes(payload.data);
}
