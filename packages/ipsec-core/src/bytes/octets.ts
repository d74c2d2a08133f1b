/** Big-endian integers at fixed offsets. The caller has checked the bounds: a read outside the array yields 0. */
export function readUint16(octets: Uint8Array, offset: number): number {
  return ((octets[offset] ?? 0) << 8) | (octets[offset + 1] ?? 0);
}

/** Unsigned, 0..2^32-1. */
export function readUint32(octets: Uint8Array, offset: number): number {
  return (
    (((octets[offset] ?? 0) << 24) |
      ((octets[offset + 1] ?? 0) << 16) |
      ((octets[offset + 2] ?? 0) << 8) |
      (octets[offset + 3] ?? 0)) >>>
    0
  );
}

export function writeUint16(octets: Uint8Array, offset: number, value: number): void {
  octets[offset] = value >>> 8;
  octets[offset + 1] = value;
}

export function writeUint32(octets: Uint8Array, offset: number, value: number): void {
  octets[offset] = value >>> 24;
  octets[offset + 1] = value >>> 16;
  octets[offset + 2] = value >>> 8;
  octets[offset + 3] = value;
}

/**
 * Moves octets. Within one array nothing is allocated, and source and target may overlap; it is a call out of compiled code,
 * some 50 ns, so that a word is better read and written. From one array to another short
 * runs are copied by hand, about one nanosecond per octet; long ones cost a view, about 50 ns whatever their length.
 */
export function copyOctets(
  from: Uint8Array,
  fromOffset: number,
  length: number,
  to: Uint8Array,
  toOffset: number,
): void {
  if (from === to) {
    if (fromOffset !== toOffset) to.copyWithin(toOffset, fromOffset, fromOffset + length);
    return;
  }
  if (length > LOOP_LIMIT) {
    to.set(from.subarray(fromOffset, fromOffset + length), toOffset);
    return;
  }
  for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i] ?? 0;
}

const LOOP_LIMIT = 192;
