import { LINUX } from '../ffi/constants.js';
import { ERRNO, SystemCallError } from '../ffi/errno.js';
import { SOCKADDR_LL, TPACKET_REQ3, TPACKET_STATS_V3 } from '../ffi/layouts.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory, mapShared } from '../ffi/memory.js';
import { PacketBlocks } from './packet-blocks.js';

/**
 * Packets that pass interfaces of the network namespace, copied by the kernel into memory that it shares
 * with us (packet(7)). Readable (POLLIN) when packets wait.
 */
export interface PacketRing {
  /** File descriptor, for `poll`. */
  readonly fd: number;
  /** The ring; `packets.offset` and `packets.length` say where in it the packet is that `packets.next()` moved to. */
  readonly memory: Memory;
  readonly packets: PacketBlocks;
  /** How many packets have found the ring full since it was opened. */
  dropped(): number;
}

/** What `openPacketRing` wants to know. */
export interface PacketRingOptions {
  /** Size of the ring, rounded up to whole blocks: how much may wait while the reader is busy. */
  readonly octets: number;
  /**
   * How long the kernel may collect packets before it hands over a block that is not full. The ring of slow traffic is full
   * after so many milliseconds for each of its blocks, however few packets came.
   */
  readonly latencyMilliseconds: number;
  /** Packets that this machine sends, too. What is forwarded is then seen twice. */
  readonly outgoing?: boolean;
  /** One interface only; without it all of them. */
  readonly interfaceIndex?: number;
}

/**
 * Captures from now until the process ends: that is how long the ring is mapped. Packets begin at their network layer. Those
 * that leave are left out unless they are asked for, so that what is forwarded is seen once. Throws SystemCallError: EPERM (needs CAP_NET_RAW
 * in the user namespace that owns the network namespace), ENOMEM, ENOPROTOOPT (Linux before 4.20).
 */
export function openPacketRing(options: PacketRingOptions): PacketRing {
  const { octets, latencyMilliseconds, outgoing = false, interfaceIndex = 0 } = options;
  // Protocol 0 receives nothing: packets come in with `bind`, when the ring is there to take them.
  const fd = libc.socket(LINUX.AF_PACKET, LINUX.SOCK_DGRAM | LINUX.SOCK_NONBLOCK | LINUX.SOCK_CLOEXEC, 0);
  if (fd < 0) fail('socket');
  try {
    const blocks = Math.ceil(octets / BLOCK_OCTETS);
    setInteger(fd, LINUX.PACKET_VERSION, TPACKET_V3);
    if (!outgoing) setInteger(fd, LINUX.PACKET_IGNORE_OUTGOING, 1);
    requestRing(fd, blocks, latencyMilliseconds);
    const memory = mapShared(fd, blocks * BLOCK_OCTETS, SUBJECT);
    bindTo(fd, interfaceIndex);
    return { fd, memory, packets: new PacketBlocks(memory.view, BLOCK_OCTETS), dropped: dropCounter(fd) };
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** struct sockaddr_ll: family, EtherType (big-endian; 3 is all of them), interface index (0 is all of them). */
function bindTo(fd: number, interfaceIndex: number): void {
  SCRATCH.bytes.fill(0);
  SCRATCH.view.setUint16(SOCKADDR_LL.sll_family, LINUX.AF_PACKET, true);
  SCRATCH.view.setUint16(SOCKADDR_LL.sll_protocol, LINUX.ETH_P_ALL, false);
  SCRATCH.view.setInt32(SOCKADDR_LL.sll_ifindex, interfaceIndex, true);
  if (libc.bind(fd, SCRATCH.address, SOCKADDR_LL.size) < 0) fail('bind');
}

/** struct tpacket_stats_v3: packets, drops, freezes. Reading it sets it back to zero, hence the sum. */
function dropCounter(fd: number): () => number {
  let total = 0;
  return () => {
    LENGTH.view.setUint32(0, TPACKET_STATS_V3.size, true);
    if (libc.getsockopt(fd, LINUX.SOL_PACKET, LINUX.PACKET_STATISTICS, SCRATCH.address, LENGTH.address) < 0)
      fail('getsockopt');
    total += SCRATCH.view.getUint32(TPACKET_STATS_V3.tp_drops, true);
    return total;
  };
}

/** Packets of any size share a block; the frames are what the kernel still wants to see add up. */
function requestRing(fd: number, blocks: number, latencyMilliseconds: number): void {
  SCRATCH.bytes.fill(0);
  SCRATCH.view.setUint32(TPACKET_REQ3.tp_block_size, BLOCK_OCTETS, true);
  SCRATCH.view.setUint32(TPACKET_REQ3.tp_block_nr, blocks, true);
  SCRATCH.view.setUint32(TPACKET_REQ3.tp_frame_size, FRAME_OCTETS, true);
  SCRATCH.view.setUint32(TPACKET_REQ3.tp_frame_nr, blocks * (BLOCK_OCTETS / FRAME_OCTETS), true);
  SCRATCH.view.setUint32(TPACKET_REQ3.tp_retire_blk_tov, latencyMilliseconds, true);
  setOption(fd, LINUX.PACKET_RX_RING, TPACKET_REQ3.size);
}

function setInteger(fd: number, option: number, value: number): void {
  SCRATCH.view.setInt32(0, value, true);
  setOption(fd, option, 4);
}

/** Sets an option to the first octets of SCRATCH. */
function setOption(fd: number, option: number, length: number): void {
  if (libc.setsockopt(fd, LINUX.SOL_PACKET, option, SCRATCH.address, length) < 0) fail('setsockopt');
}

function fail(call: 'socket' | 'setsockopt' | 'getsockopt' | 'bind'): never {
  const errno = libc.failure();
  throw new SystemCallError(call, errno, SUBJECT, FIXES.get(errno));
}

const SUBJECT = 'packet ring';
const SCRATCH: Memory = allocate(64);
const LENGTH: Memory = allocate(8);

/** A power of two, a multiple of every page size, and more than the largest packet (64 KiB with segmentation offload). */
const BLOCK_OCTETS = 1 << 17;
const FRAME_OCTETS = 1 << 11;
/** linux/if_packet.h, an enumeration */
const TPACKET_V3 = 2;

const FIXES: ReadonlyMap<number, string> = new Map([
  [ERRNO.EPERM, 'run as root or with CAP_NET_RAW'],
  [ERRNO.ENOPROTOOPT, 'Linux 4.20 or newer is needed'],
]);
