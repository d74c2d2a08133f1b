/**
 * Writes an address into memory that the kernel reads, as two 32-bit words: a BigInt would be made for each otherwise.
 * `offset` is in octets and a multiple of four. The order is little-endian, as on every machine we run on.
 */
export function writePointer(view: DataView, offset: number, address: number): void {
  view.setUint32(offset, address >>> 0, true);
  view.setUint32(offset + 4, Math.floor(address / 0x1_0000_0000), true);
}
