/*
 * RFC 9293 section 3.1
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Source Port          |       Destination Port        |
 * |                        Sequence Number                        |
 * |                    Acknowledgment Number                      |
 * |  Data | Rsrvd |C|E|U|A|P|R|S|F|            Window             |
 * |           Checksum            |         Urgent Pointer        |
 * |                           [Options]                           |
 */
export const TCP = { dataOffset: 12, flags: 13, checksum: 16, options: 20, syn: 0x02 } as const;

/**
 * End of the header as it says itself, from its start; -1 when that is less than a header or more than the `available`
 * octets.
 */
export function tcpHeaderLength(packet: Uint8Array, at: number, available: number): number {
  if (available < TCP.options) return -1;
  const length = ((packet[at + TCP.dataOffset] ?? 0) >>> 4) * 4;
  return length < TCP.options || length > available ? -1 : length;
}

/**
 * Where the value of the next Maximum Segment Size option stands (RFC 9293 section 3.2), looking at options from `from`
 * on, which must be where one starts, up to `end`. -1: there is none, or the options are malformed before one is found.
 */
export function findMaximumSegmentSize(packet: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const kind = packet[at] ?? OPTION_END;
    if (kind === OPTION_END) return -1;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? (packet[at + 1] ?? 0) : 0;
    if (length < 2 || at + length > end) return -1;
    if (kind === OPTION_MSS) return length === MSS_LENGTH ? at + 2 : -1;
    at += length;
  }
  return -1;
}

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_MSS = 2;
const MSS_LENGTH = 4;
