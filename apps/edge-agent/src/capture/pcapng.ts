/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng-05): a section header, one interface whose packets begin at their IP header
 * (LINKTYPE_RAW), and packets with times in microseconds. Everything is little-endian.
 */

/** What begins a file. `snapLength`: octets of a packet that are kept at most. */
export function pcapngHeader(interfaceName: string, snapLength: number): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  section.writeUInt16LE(1, 4);
  section.writeUInt16LE(0, 6);
  // Length of the section: not said.
  section.writeBigInt64LE(-1n, 8);
  const description = Buffer.alloc(8);
  description.writeUInt16LE(LINKTYPE_RAW, 0);
  description.writeUInt32LE(snapLength, 4);
  const options = Buffer.concat([option(IF_NAME, Buffer.from(interfaceName)), END_OF_OPTIONS]);
  return Buffer.concat([
    block(SECTION_HEADER, section),
    block(INTERFACE_DESCRIPTION, Buffer.concat([description, options])),
  ]);
}

/** One packet of `length` octets, of which the first `captured` are kept. */
export function pcapngPacket(captured: Uint8Array, length: number, unixMicroseconds: bigint): Buffer {
  const fields = Buffer.alloc(20);
  fields.writeUInt32LE(0, 0);
  fields.writeUInt32LE(Number(unixMicroseconds >> 32n), 4);
  fields.writeUInt32LE(Number(unixMicroseconds & 0xffffffffn), 8);
  fields.writeUInt32LE(captured.length, 12);
  fields.writeUInt32LE(length, 16);
  return block(ENHANCED_PACKET, Buffer.concat([fields, padded(captured)]));
}

function block(type: number, body: Uint8Array): Buffer {
  const total = 12 + body.length;
  const out = Buffer.alloc(total);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(total, 4);
  out.set(body, 8);
  out.writeUInt32LE(total, total - 4);
  return out;
}

function option(code: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

function padded(octets: Uint8Array): Buffer {
  return Buffer.concat([octets, Buffer.alloc((4 - (octets.length % 4)) % 4)]);
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINKTYPE_RAW = 101;
const IF_NAME = 2;
const END_OF_OPTIONS = Buffer.alloc(4);
