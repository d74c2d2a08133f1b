import type { CryptoProvider, DataPlane } from '@weft/ipsec-core';
import {
  Coalescer,
  type Delivery,
  type PacketMemory,
  Segmenter,
  type TunOffloads,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
  VIRTIO_NET_HDR_GSO_TCPV4,
  VirtioHeader,
} from '@weft/linux-io';
import { loopedPlane, NOW, removeLoop } from './looped-plane.js';
import { SelfTestError } from './self-test-error.js';

/**
 * Packets through an engine of its own, before the first real one: one by one, and as large segments that are taken apart,
 * sealed, opened and joined again. What does not come back as it was must not get as far as the network. It also has the
 * code compiled before traffic waits for it: a packet through code that never ran takes a hundred times as long. Its numbers are
 * as large as they can be and its times have fractions: code that was compiled for small integers is thrown away at the first other.
 */
export class SelfTest {
  readonly #plane: DataPlane;
  readonly #out: PacketMemory;
  readonly #clear: PacketMemory;
  readonly #segmenter: Segmenter;
  readonly #coalescer: Coalescer;
  readonly #header = new VirtioHeader();
  /** Of what was joined and is compared. */
  #compared = 0;

  /** Works in the memories of the packet path before that does: where packets are sealed, and where they are opened. */
  constructor(provider: CryptoProvider, out: PacketMemory, clear: PacketMemory, offloads: TunOffloads) {
    this.#plane = loopedPlane(provider);
    this.#out = out;
    this.#clear = clear;
    this.#segmenter = new Segmenter(out);
    this.#coalescer = new Coalescer(clear, offloads, (delivery) => this.#compare(delivery));
  }

  /** Takes each way once, and again for `milliseconds` of the clock `now` at most. Throws SelfTestError. Returns packets. */
  run(milliseconds: number, now: () => number): number {
    const until = now() + milliseconds;
    let packets = 0;
    try {
      do packets += this.#alone() + this.#inRuns();
      while (packets < ENOUGH && now() < until);
    } finally {
      removeLoop(this.#plane);
      this.#out.bytes.fill(0);
      this.#clear.bytes.fill(0);
    }
    return packets;
  }

  #alone(): number {
    const { bytes } = this.#out;
    writeSegment(bytes, PACKET, ALONE_OCTETS);
    for (let packet = 0; packet < ALONE; packet++) {
      const sealed = this.#plane.protect(bytes, PACKET, ALONE_OCTETS, bytes, SEALED, NOW);
      if (sealed.verdict !== 'transmit') throw new SelfTestError(`a packet is not sent: ${sealed.reason}`);
      const opened = this.#plane.open(bytes, SEALED, sealed.length, this.#clear.bytes, 0, NOW);
      if (opened.verdict !== 'deliver') throw new SelfTestError(`a packet does not come back: ${opened.reason}`);
      this.#requireSame(0, PACKET, ALONE_OCTETS);
    }
    return ALONE;
  }

  /** One large segment, in as many runs as it takes. */
  #inRuns(): number {
    const { bytes } = this.#out;
    writeSegment(bytes, PACKET, LARGE_OCTETS);
    const header = this.#header;
    header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.gsoType = VIRTIO_NET_HDR_GSO_TCPV4;
    header.headerLength = HEADERS;
    header.gsoSize = SEGMENT_PAYLOAD;
    header.checksumStart = IP_HEADER;
    header.checksumOffset = CHECKSUM;
    const segmenter = this.#segmenter;
    if (segmenter.start(header, PACKET, LARGE_OCTETS) !== undefined) throw new SelfTestError('a segment is refused');
    this.#compared = 0;
    for (let next = 0; next < segmenter.count; ) {
      const sealed = this.#plane.protectRun(segmenter, next, segmenter.count - next, bytes, SEALED, NOW);
      if (sealed.verdict !== 'transmit') throw new SelfTestError(`a run is not sent: ${sealed.reason}`);
      next += sealed.packets;
      this.#openRun(sealed.length, sealed.packetLength);
    }
    this.#coalescer.flush();
    if (this.#compared !== LARGE_OCTETS - HEADERS) throw new SelfTestError('a part of a large segment is missing');
    return segmenter.count;
  }

  #openRun(length: number, size: number): void {
    const { bytes: clear } = this.#clear;
    const { packets, delivered, offsets, lengths } = this.#plane.openRun(
      this.#out.bytes,
      SEALED,
      size,
      length,
      clear,
      0,
      NOW,
    );
    if (packets === 0 || delivered !== packets) throw new SelfTestError('a run does not come back');
    for (let packet = 0; packet < delivered; packet++) this.#coalescer.push(offsets[packet] ?? 0, lengths[packet] ?? 0);
    this.#coalescer.flush();
  }

  /** The payload of what was joined against that of the large segment. */
  #compare({ offsets, lengths, pieces }: Delivery): void {
    for (let piece = 0; piece < pieces; piece++) {
      const headers = piece === 0 ? HEADERS : 0;
      const length = (lengths[piece] ?? 0) - headers;
      this.#requireSame((offsets[piece] ?? 0) + headers, PACKET + HEADERS + this.#compared, length);
      this.#compared += length;
    }
  }

  #requireSame(clear: number, packet: number, length: number): void {
    for (let i = 0; i < length; i++) {
      if (this.#clear.bytes[clear + i] !== this.#out.bytes[packet + i]) {
        throw new SelfTestError(`octet ${i} of a packet comes back as another`);
      }
    }
  }
}

/** An IPv4 packet with a TCP segment: an acknowledgment with data. */
function writeSegment(bytes: Uint8Array, offset: number, length: number): void {
  for (let i = HEADERS; i < length; i++) bytes[offset + i] = i * 31;
  bytes.fill(0, offset, offset + HEADERS);
  bytes.set([0x45, 0, length >>> 8, length & 0xff, 0xff, 0xff, 0x40, 0, 64, 6], offset);
  // Addresses, ports, the sequence number, which passes 2^32 on the way, and the acknowledgment number.
  bytes.set([192, 0, 2, 1, 192, 0, 2, 2, 0xff, 7, 0xff, 9], offset + ADDRESSES);
  bytes.set([0xff, 0xff, 0x80, 0, 0xff, 0xff, 0xff, 0xff], offset + SEQUENCE);
  bytes.set([0x50, 0x10, 0xff, 0xff], offset + DATA_OFFSET);
}

const IP_HEADER = 20;
const HEADERS = 40;
const ADDRESSES = 12;
const SEQUENCE = IP_HEADER + 4;
/** Of the TCP header: the octet itself, and the checksum from its start. */
const DATA_OFFSET = IP_HEADER + 12;
const CHECKSUM = 16;
const PACKET = 64;
const SEALED = PACKET + 65_536;
const ALONE = 16;
const ALONE_OCTETS = 84;
const LARGE_OCTETS = 60_000;
const SEGMENT_PAYLOAD = 1396;
/** By then all of it is compiled. */
const ENOUGH = 60_000;
