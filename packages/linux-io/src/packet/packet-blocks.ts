import { LINUX } from '../ffi/constants.js';
import { SOCKADDR_LL, TPACKET_BLOCK_DESC, TPACKET3_HDR } from '../ffi/layouts.js';

/**
 * Reads the blocks of a receive ring (packet(7), TPACKET_V3), packet by packet. The kernel fills block after block and hands
 * each over by its status; whoever has read it hands it back the same way.
 *
 *     struct tpacket_block_desc
 *     ├─ block_status                  whose block this is
 *     ├─ num_pkts                      packets in it
 *     └─ offset_to_first_pkt ──▶ struct tpacket3_hdr
 *                                ├─ tp_next_offset ──▶ the next one
 *                                ├─ tp_snaplen        octets captured
 *                                ├─ tp_net ──▶ the packet
 *                                └─ (behind it) struct sockaddr_ll with the EtherType
 *
 * Offsets count from the start of the structure that holds them; numbers are the machine's own (little-endian), the
 * EtherType is the network's.
 */
export class PacketBlocks {
  readonly #view: DataView;
  readonly #statuses: Int32Array;
  readonly #blockOctets: number;
  readonly #blockCount: number;
  #block = 0;
  /** Packets of the current block that have not been given out; -1: the block is the kernel's. */
  #remaining = KERNELS;
  #header = 0;
  #offset = 0;
  #length = 0;
  #etherType = 0;
  #interfaceIndex = 0;
  #outgoing = false;
  #seconds = 0;
  #nanoseconds = 0;

  /** `view` covers the whole ring, at an address divisible by four. */
  constructor(view: DataView, blockOctets: number) {
    this.#view = view;
    this.#statuses = new Int32Array(view.buffer, view.byteOffset, Math.floor(view.byteLength / 4));
    this.#blockOctets = blockOctets;
    this.#blockCount = Math.floor(view.byteLength / blockOctets);
  }

  /** Index in the ring of the packet's network layer. */
  get offset(): number {
    return this.#offset;
  }

  /** Octets that were captured of it. */
  get length(): number {
    return this.#length;
  }

  /** What it is: 0x0800 for IPv4, 0x86dd for IPv6, 0x0806 for ARP. */
  get etherType(): number {
    return this.#etherType;
  }

  /** The interface that it came or left by. */
  get interfaceIndex(): number {
    return this.#interfaceIndex;
  }

  /** Whether this machine sends it. */
  get outgoing(): boolean {
    return this.#outgoing;
  }

  /** When the kernel saw it, in Unix time. */
  get unixMicroseconds(): bigint {
    return BigInt(this.#seconds) * 1_000_000n + BigInt(Math.floor(this.#nanoseconds / 1000));
  }

  /**
   * Moves to the next packet. A block goes back to the kernel when one asks for the packet after its last, so the octets of
   * a packet stay until the next call.
   * @returns false when no packet waits.
   */
  next(): boolean {
    for (;;) {
      if (this.#remaining > 0) return this.#take();
      if (this.#remaining === 0) this.#release();
      if (!this.#acquire()) return false;
    }
  }

  #take(): true {
    const header = this.#header;
    this.#remaining -= 1;
    this.#offset = header + this.#view.getUint16(header + TPACKET3_HDR.tp_net, true);
    this.#length = this.#view.getUint32(header + TPACKET3_HDR.tp_snaplen, true);
    this.#etherType = this.#view.getUint16(header + SLL_PROTOCOL, false);
    this.#interfaceIndex = this.#view.getInt32(header + SLL_INTERFACE, true);
    this.#outgoing = this.#view.getUint8(header + SLL_PACKET_TYPE) === LINUX.PACKET_OUTGOING;
    this.#seconds = this.#view.getUint32(header + TPACKET3_HDR.tp_sec, true);
    this.#nanoseconds = this.#view.getUint32(header + TPACKET3_HDR.tp_nsec, true);
    this.#header += this.#view.getUint32(header + TPACKET3_HDR.tp_next_offset, true);
    return true;
  }

  /** Atomic, so that no processor reads the packets before the status or writes the status before it has read them. */
  #acquire(): boolean {
    const start = this.#block * this.#blockOctets;
    const status = Atomics.load(this.#statuses, (start + BLOCK_STATUS) / 4);
    if ((status & LINUX.TP_STATUS_USER) === 0) return false;
    this.#remaining = this.#view.getUint32(start + NUM_PKTS, true);
    this.#header = start + this.#view.getUint32(start + OFFSET_TO_FIRST_PKT, true);
    return true;
  }

  #release(): void {
    const start = this.#block * this.#blockOctets;
    Atomics.store(this.#statuses, (start + BLOCK_STATUS) / 4, LINUX.TP_STATUS_KERNEL);
    this.#remaining = KERNELS;
    this.#block = (this.#block + 1) % this.#blockCount;
  }
}

const KERNELS = -1;
const BLOCK_STATUS = TPACKET_BLOCK_DESC['hdr.bh1.block_status'];
const NUM_PKTS = TPACKET_BLOCK_DESC['hdr.bh1.num_pkts'];
const OFFSET_TO_FIRST_PKT = TPACKET_BLOCK_DESC['hdr.bh1.offset_to_first_pkt'];
const SLL_PROTOCOL = TPACKET3_HDR.size + SOCKADDR_LL.sll_protocol;
const SLL_INTERFACE = TPACKET3_HDR.size + SOCKADDR_LL.sll_ifindex;
const SLL_PACKET_TYPE = TPACKET3_HDR.size + SOCKADDR_LL.sll_pkttype;
