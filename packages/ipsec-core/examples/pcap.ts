/** One packet of a capture, from its IP header on. */
export interface CapturedPacket {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly octets: Uint8Array;
}

/** A file that is no capture, or one that this small reader does not know. */
export class PcapError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PcapError';
  }
}

/**
 * Reads a classic libpcap file (draft-ietf-opsawg-pcap), in either byte order, with micro- or nanoseconds, of Ethernet or
 * raw IP. Frames that carry no IP are left out. Throws PcapError.
 */
export function readPcap(file: Uint8Array): readonly CapturedPacket[] {
  if (file.length < FILE_HEADER) throw new PcapError('The file is shorter than the header of a capture.');
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const format = FORMATS.find(({ magic, little }) => view.getUint32(0, little) === magic);
  if (format === undefined) throw new PcapError('Not a classic pcap file: save it as .pcap, not as .pcapng.');
  const { little, fraction } = format;
  const link = view.getUint32(20, little) & 0xffff;
  if (link !== ETHERNET && link !== RAW_IP)
    throw new PcapError(`Link type ${link}: only Ethernet and raw IP are read.`);
  const packets: CapturedPacket[] = [];
  for (let at = FILE_HEADER; at < file.length; ) {
    if (at + RECORD_HEADER > file.length) throw new PcapError('The last record has no whole header.');
    const length = view.getUint32(at + 8, little);
    const start = at + RECORD_HEADER;
    if (start + length > file.length) throw new PcapError('The last record is cut off.');
    const timestamp = view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) / fraction;
    const octets = ipOf(file.subarray(start, start + length), link);
    if (octets !== undefined) packets.push({ timestamp, octets });
    at = start + length;
  }
  return packets;
}

/** Writes a capture of raw IP packets. */
export function writePcap(packets: readonly CapturedPacket[]): Uint8Array {
  const size = packets.reduce((sum, { octets }) => sum + RECORD_HEADER + octets.length, FILE_HEADER);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0xa1b2c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 0xffff);
  view.setUint32(20, RAW_IP);
  let at = FILE_HEADER;
  for (const { timestamp, octets } of packets) {
    view.setUint32(at, Math.floor(timestamp / 1000));
    view.setUint32(at + 4, Math.round((timestamp % 1000) * 1000));
    view.setUint32(at + 8, octets.length);
    view.setUint32(at + 12, octets.length);
    file.set(octets, at + RECORD_HEADER);
    at += RECORD_HEADER + octets.length;
  }
  return file;
}

function ipOf(frame: Uint8Array, link: number): Uint8Array | undefined {
  if (link === RAW_IP) return frame;
  const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
  return type === 0x0800 || type === 0x86dd ? frame.subarray(14) : undefined;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 1;
const RAW_IP = 101;
/** `fraction`: parts of a second that make a millisecond. */
const FORMATS = [
  { magic: 0xa1b2c3d4, little: false, fraction: 1e3 },
  { magic: 0xa1b2c3d4, little: true, fraction: 1e3 },
  { magic: 0xa1b23c4d, little: false, fraction: 1e6 },
  { magic: 0xa1b23c4d, little: true, fraction: 1e6 },
] as const;
