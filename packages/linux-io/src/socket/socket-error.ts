import { LINUX } from '../ffi/constants.js';
import { ERRNO } from '../ffi/errno.js';
import { SOCK_EXTENDED_ERR } from '../ffi/layouts.js';
import type { Memory } from '../ffi/memory.js';
import type { ReceiveBatch } from './receive-batch.js';
import { decodeSocketAddress, type Endpoint, SOCKADDR_IN6_OCTETS } from './socket-address.js';

/** Who found out: this machine, before the packet left, or somebody on the way, by ICMP of either version. */
export type SocketErrorOrigin = 'local' | 'icmp' | 'icmpv6';

/**
 * What became of a packet that a socket sent (`struct sock_extended_err`, linux/errqueue.h). Nobody vouches for what ICMP
 * says; the kernel has made sure only that the quoted packet has addresses and ports, or protocol, of the socket.
 * Reused: the next message of the queue overwrites it.
 */
export class SocketError {
  origin: SocketErrorOrigin = 'local';
  /** Of the ICMP message; 0 when the origin is local. */
  type = 0;
  code = 0;
  errno = 0;
  /** With EMSGSIZE, the path MTU that was told; otherwise 0. */
  mtu = 0;
  /** Start of the packet, as much of it as was quoted: from behind the UDP header on, or the IP header of a raw socket. */
  readonly excerpt: Memory;
  offset = 0;
  length = 0;
  readonly #batch: ReceiveBatch;
  #slot = 0;
  #reporter = 0;
  #reporterLength = 0;

  constructor(batch: ReceiveBatch) {
    this.#batch = batch;
    this.excerpt = batch.memory;
  }

  /** Where the packet was to go. Allocates. */
  peer(): Endpoint | undefined {
    return this.#batch.source(this.#slot);
  }

  /** Address of the machine that said so; undefined when it was this one. Allocates. */
  reporter(): Uint8Array | undefined {
    const octets = this.#batch.controls.bytes.subarray(this.#reporter, this.#reporter + this.#reporterLength);
    return decodeSocketAddress(octets)?.address;
  }

  /** Reads a message of the error queue. @returns false when it is none that a datagram socket of IP has. */
  read(slot: number): boolean {
    const batch = this.#batch;
    const control = batch.control(slot);
    const at = control.error;
    if (at < 0) return false;
    const { view } = batch.controls;
    const origin = ORIGINS[view.getUint8(at + SOCK_EXTENDED_ERR.ee_origin)];
    if (origin === undefined) return false;
    this.origin = origin;
    this.type = origin === 'local' ? 0 : view.getUint8(at + SOCK_EXTENDED_ERR.ee_type);
    this.code = origin === 'local' ? 0 : view.getUint8(at + SOCK_EXTENDED_ERR.ee_code);
    this.errno = view.getUint32(at + SOCK_EXTENDED_ERR.ee_errno, true);
    this.mtu = this.errno === EMSGSIZE ? view.getUint32(at + SOCK_EXTENDED_ERR.ee_info, true) : 0;
    this.offset = batch.offset(slot);
    this.length = Math.min(batch.length(slot), batch.capacity);
    this.#slot = slot;
    this.#reporter = at + SOCK_EXTENDED_ERR.size;
    this.#reporterLength = origin === 'local' ? 0 : SOCKADDR_IN6_OCTETS;
    return true;
  }
}

const ORIGINS: readonly (SocketErrorOrigin | undefined)[] = (() => {
  const origins: (SocketErrorOrigin | undefined)[] = [];
  origins[LINUX.SO_EE_ORIGIN_LOCAL] = 'local';
  origins[LINUX.SO_EE_ORIGIN_ICMP] = 'icmp';
  origins[LINUX.SO_EE_ORIGIN_ICMP6] = 'icmpv6';
  return origins;
})();
const { EMSGSIZE } = ERRNO;
