/** Integers in network order. The caller has checked the bounds. */
export function readBig(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

export function readBig32(bytes: Uint8Array, offset: number): number {
  return ((readBig(bytes, offset) << 16) | readBig(bytes, offset + 2)) >>> 0;
}

export function writeBig(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

export function writeBig32(bytes: Uint8Array, offset: number, value: number): void {
  writeBig(bytes, offset, value >>> 16);
  writeBig(bytes, offset + 2, value);
}

/** A checksum in the order of the machine, in which `PacketMemory.sum` computes it. */
export function writeSum(bytes: Uint8Array, offset: number, sum: number): void {
  bytes[offset] = sum;
  bytes[offset + 1] = sum >>> 8;
}
