import fc from 'fast-check';

/**
 * TCP and UDP packets from their fields, the slow and obvious way: the oracle of segmentation and coalescing. Nothing
 * here is shared with what it judges.
 */
export interface ReferencePacket {
  readonly family: 4 | 6;
  readonly tcp: boolean;
  /** Octet at the end of both addresses, and port, of each side: enough to make flows differ. */
  readonly source: number;
  readonly destination: number;
  readonly trafficClass: number;
  readonly hopLimit: number;
  readonly dontFragment: boolean;
  readonly identification: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  /** A multiple of four octets. */
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
}

/** `partial`: the checksum field holds only the folded sum of the pseudo-header, as with VIRTIO_NET_HDR_F_NEEDS_CSUM. */
export function buildPacket(packet: ReferencePacket, partial = false): Uint8Array {
  const transport = packet.tcp ? tcpHeader(packet) : udpHeader(packet);
  const segment = [...transport, ...packet.payload];
  const pseudo = pseudoHeader(packet, segment.length);
  const field = packet.tcp ? 16 : 6;
  const folded = fold(onesComplement(partial ? pseudo : [...pseudo, ...segment]));
  const value = partial ? folded : ~folded & 0xffff;
  const stored = value === 0 && !packet.tcp && !partial ? 0xffff : value;
  segment[field] = stored >>> 8;
  segment[field + 1] = stored & 0xff;
  return Uint8Array.from([...ipHeader(packet, segment.length), ...segment]);
}

/** The packets that a super-packet stands for, with `size` octets of payload each. */
export function segmentsOf(whole: ReferencePacket, size: number): ReferencePacket[] {
  const count = Math.ceil(whole.payload.length / size);
  return Array.from({ length: count }, (_, i) => {
    let { flags } = whole;
    if (i > 0) flags &= ~0x80;
    if (i < count - 1) flags &= ~0x09;
    return {
      ...whole,
      flags,
      identification: (whole.identification + i) & 0xffff,
      sequence: (whole.sequence + i * size) % 2 ** 32,
      payload: whole.payload.slice(i * size, (i + 1) * size),
    };
  });
}

/** Octets in front of the transport header and in front of the payload. */
export function headerLengths(packet: ReferencePacket): { transport: number; headers: number } {
  const transport = packet.family === 4 ? 20 : 40;
  return { transport, headers: transport + (packet.tcp ? 20 + packet.options.length : 8) };
}

/** Any packet; flags without SYN, RST and URG, which no super-packet has. */
export function arbitraryPacket(limits: { payload: number; flows?: number }): fc.Arbitrary<ReferencePacket> {
  const octet = fc.nat(255);
  const flow = fc.nat((limits.flows ?? 200) - 1);
  return fc.record({
    family: fc.constantFrom(4, 6),
    tcp: fc.boolean(),
    source: flow,
    destination: flow,
    trafficClass: octet,
    hopLimit: octet,
    dontFragment: fc.boolean(),
    identification: fc.nat(0xffff),
    sequence: fc.oneof(fc.nat(), fc.constant(0xffff_ffff), fc.integer({ min: 0xffff_0000, max: 0xffff_ffff })),
    acknowledgment: fc.nat(),
    flags: fc.subarray([0x01, 0x08, 0x40, 0x80]).map((bits) => bits.reduce((all, bit) => all | bit, 0x10)),
    window: fc.nat(0xffff),
    options: fc.nat(10).chain((words) => fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words })),
    payload: fc
      .tuple(fc.integer({ min: 1, max: limits.payload }), octet)
      .map(([length, seed]) => payloadOf(length, seed)),
  });
}

/** fast-check's own arrays stay short: sizes matter here more than values. */
function payloadOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (seed + i * 7 + (i >>> 8) * 13) & 255);
}

function ipHeader(packet: ReferencePacket, length: number): number[] {
  const protocol = packet.tcp ? 6 : 17;
  if (packet.family === 6) {
    const first = [0x60 | (packet.trafficClass >>> 4), (packet.trafficClass & 15) << 4, 0, 0];
    return [...first, length >>> 8, length & 255, protocol, packet.hopLimit, ...addresses(packet)];
  }
  const total = length + 20;
  const header = [0x45, packet.trafficClass, total >>> 8, total & 255];
  header.push(packet.identification >>> 8, packet.identification & 255, packet.dontFragment ? 0x40 : 0, 0);
  header.push(packet.hopLimit, protocol, 0, 0, ...addresses(packet));
  const checksum = ~fold(onesComplement(header)) & 0xffff;
  header[10] = checksum >>> 8;
  header[11] = checksum & 255;
  return header;
}

function tcpHeader(packet: ReferencePacket): number[] {
  const { options, flags, window } = packet;
  const length = 20 + options.length;
  return [
    ...ports(packet),
    ...word(packet.sequence),
    ...word(packet.acknowledgment),
    (length / 4) << 4,
    flags,
    window >>> 8,
    window & 255,
    ...[0, 0, 0, 0],
    ...options,
  ];
}

function udpHeader(packet: ReferencePacket): number[] {
  const length = 8 + packet.payload.length;
  return [...ports(packet), length >>> 8, length & 255, 0, 0];
}

function pseudoHeader(packet: ReferencePacket, length: number): number[] {
  return [...addresses(packet), 0, packet.tcp ? 6 : 17, length >>> 8, length & 255];
}

function addresses({ family, source, destination }: ReferencePacket): number[] {
  if (family === 4) return [10, 1, 2, source, 10, 9, 8, destination];
  const prefix = [0x20, 0x01, 0x0d, 0xb8, ...new Array<number>(11).fill(0)];
  return [...prefix, source, ...prefix, destination];
}

function ports({ source, destination }: ReferencePacket): number[] {
  return [0x1f, source, 0x2f, destination];
}

function word(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function onesComplement(octets: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += (octets[i] ?? 0) * 256 + (octets[i + 1] ?? 0);
  return sum;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return folded;
}
