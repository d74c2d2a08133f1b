import type { Reader } from '../reader.js';
import type { Writer } from '../writer.js';

/** Vendor ID payload, RFC 7296 section 3.12: opaque octets. "Unknown Vendor IDs MUST be ignored." */
export interface VendorIdPayload {
  readonly kind: 'V';
  readonly data: Uint8Array;
}

export function parseVendorId(reader: Reader): VendorIdPayload {
  return { kind: 'V', data: reader.copyOfRest() };
}

export function encodeVendorId(payload: VendorIdPayload, writer: Writer): void {
  writer.bytes(payload.data);
}
