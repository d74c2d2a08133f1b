import { ERRNO, SystemCallError } from '../ffi/errno.js';
import * as libc from '../ffi/libc.js';
import { allocate, type Memory, mapShared } from '../ffi/memory.js';
import { PacketBlocks } from './packet-blocks.js';

/**
 * Every packet that arrives on any interface of the network namespace, copied by the kernel into memory that it shares
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
  /** Size of the ring, rounded up to whole mebibytes: how much may wait while the reader is busy. */
  readonly octets: number;
  /** How long the kernel may collect packets before it hands over what it has. */
  readonly latencyMilliseconds: number;
}

/**
 * Captures from now until the process ends: that is how long the ring is mapped. Packets begin at their network layer, and those that leave are left out, so what is forwarded is
 * seen once. Throws SystemCallError: EPERM (needs CAP_NET_RAW in the user namespace that owns the network namespace),
 * ENOMEM, ENOPROTOOPT (Linux before 4.20).
 */
export function openPacketRing({ octets, latencyMilliseconds }: PacketRingOptions): PacketRing {
  // Protocol 0 receives nothing: packets come in with `bind`, when the ring is there to take them.
  const fd = libc.socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail('socket');
  try {
    const blocks = Math.ceil(octets / BLOCK_OCTETS);
    setOption(fd, PACKET_VERSION, [TPACKET_V3]);
    setOption(fd, PACKET_IGNORE_OUTGOING, [1]);
    // struct tpacket_req3. Packets of any size share a block; the frames are what the kernel still wants to see add up.
    const frames = blocks * (BLOCK_OCTETS / FRAME_OCTETS);
    setOption(fd, PACKET_RX_RING, [BLOCK_OCTETS, blocks, FRAME_OCTETS, frames, latencyMilliseconds, 0, 0]);
    const memory = mapShared(fd, blocks * BLOCK_OCTETS, SUBJECT);
    bindToAllInterfaces(fd);
    return { fd, memory, packets: new PacketBlocks(memory.view, BLOCK_OCTETS), dropped: dropCounter(fd) };
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** struct sockaddr_ll: family, EtherType (big-endian; 3 is all of them), interface index (0 is all of them). */
function bindToAllInterfaces(fd: number): void {
  SCRATCH.bytes.fill(0);
  SCRATCH.view.setUint16(0, AF_PACKET, true);
  SCRATCH.view.setUint16(2, ETH_P_ALL, false);
  if (libc.bind(fd, SCRATCH.address, SOCKADDR_LL_OCTETS) < 0) fail('bind');
}

/** struct tpacket_stats_v3: packets, drops, freezes. Reading it sets it back to zero, hence the sum. */
function dropCounter(fd: number): () => number {
  let total = 0;
  return () => {
    LENGTH.view.setUint32(0, STATISTICS_OCTETS, true);
    if (libc.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, SCRATCH.address, LENGTH.address) < 0) fail('getsockopt');
    total += SCRATCH.view.getUint32(4, true);
    return total;
  };
}

function setOption(fd: number, option: number, words: readonly number[]): void {
  for (const [index, word] of words.entries()) SCRATCH.view.setUint32(4 * index, word, true);
  if (libc.setsockopt(fd, SOL_PACKET, option, SCRATCH.address, 4 * words.length) < 0) fail('setsockopt');
}

function fail(call: 'socket' | 'setsockopt' | 'getsockopt' | 'bind'): never {
  const errno = libc.failure();
  throw new SystemCallError(call, errno, SUBJECT, FIXES.get(errno));
}

const SUBJECT = 'packet ring';
const SCRATCH: Memory = allocate(64);
const LENGTH: Memory = allocate(8);

/** A power of two, a multiple of every page size, and far more than the largest packet (64 KiB with segmentation offload). */
const BLOCK_OCTETS = 1 << 20;
const FRAME_OCTETS = 1 << 11;
const SOCKADDR_LL_OCTETS = 20;
const STATISTICS_OCTETS = 12;

// bits/socket.h, linux/if_ether.h, linux/if_packet.h
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL = 3;
const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const PACKET_IGNORE_OUTGOING = 23;
const TPACKET_V3 = 2;

const FIXES: ReadonlyMap<number, string> = new Map([
  [ERRNO.EPERM, 'run as root or with CAP_NET_RAW'],
  [ERRNO.ENOPROTOOPT, 'Linux 4.20 or newer is needed'],
]);
