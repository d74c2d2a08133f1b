import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

/** A payload of a type we do not know and that is not critical: kept for the history, otherwise ignored (section 2.5). */
export interface UnknownPayload {
  readonly kind: 'unknown';
  readonly type: number;
  readonly body: Uint8Array;
}

export function parseUnknown(type: number, reader: Reader): UnknownPayload {
  return { kind: 'unknown', type, body: reader.copyOfRest() };
}

export function encodeUnknown(payload: UnknownPayload, writer: Writer): void {
  writer.bytes(payload.body);
}
