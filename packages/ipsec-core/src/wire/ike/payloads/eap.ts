import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

/** EAP payload, RFC 7296 section 3.16: carried opaque; no EAP method is spoken here. */
export interface EapPayload {
  readonly kind: 'EAP';
  readonly message: Uint8Array;
}

export function parseEap(reader: Reader): EapPayload {
  return { kind: 'EAP', message: reader.copyOfRest() };
}

export function encodeEap(payload: EapPayload, writer: Writer): void {
  writer.bytes(payload.message);
}
