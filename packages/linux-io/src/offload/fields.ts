/** Offsets in octets of the header fields that segmentation and coalescing touch. RFC 791 section 3.1. */
export const IPV4 = {
  tos: 1,
  totalLength: 2,
  identification: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
  headerLength: 20,
  dontFragment: 0x4000,
  /** The reserved bit, DF, MF and the offset: a whole packet has nothing but DF in here. */
  fragmentMask: 0xbfff,
} as const;

/** RFC 8200 section 3. */
export const IPV6 = {
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
  headerLength: 40,
} as const;

/** RFC 9293 section 3.1. */
export const TCP = {
  sequence: 4,
  acknowledgment: 8,
  dataOffset: 12,
  flags: 13,
  window: 14,
  checksum: 16,
  headerLength: 20,
} as const;

/** RFC 9293 section 3.1, RFC 3168 section 6.1. */
export const TCP_FLAG = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
} as const;

/** RFC 768. */
export const UDP = { length: 4, checksum: 6, headerLength: 8 } as const;

export const PROTOCOL = { tcp: 6, udp: 17 } as const;
