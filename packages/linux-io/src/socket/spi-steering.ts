import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import { SOCK_FILTER, SOCK_FPROG } from '../ffi/layouts.js';
import * as libc from '../ffi/libc.js';
import { allocate } from '../ffi/memory.js';
import { writePointer } from '../ffi/pointers.js';

/**
 * Which of `sockets` that share a port receives the ESP packets of an SPI. The first of several receives none: it belongs
 * to the thread that sends.
 */
export function socketOfSpi(spi: number, sockets: number): number {
  return sockets === 1 ? 0 : 1 + (spi % (sockets - 1));
}

/**
 * Has the kernel choose among the sockets that share the port of this one (SO_REUSEPORT), by the number in which they were
 * bound, as `socketOfSpi` says. IKE messages, whose marker stands where an SPI would, go to the second; what is shorter
 * than that, a NAT keepalive, to the first. When the kernel takes datagrams of several SPIs for a run (UDP_GRO), all go
 * where the first one does. Throws SystemCallError.
 */
export function steerBySpi(fd: number, sockets: number): void {
  const memory = allocate(PROGRAM_AT + 4 * SOCK_FILTER.size);
  const instructions = [
    // The SPI: a filter of a UDP socket sees the payload. Beyond its end the filter ends with 0.
    [BPF.LD | BPF.W | BPF.ABS, 0],
    [BPF.ALU | BPF.MOD | BPF.K, sockets - 1],
    [BPF.ALU | BPF.ADD | BPF.K, 1],
    [BPF.RET | BPF.A, 0],
  ] as const;
  for (const [index, [code, k]] of instructions.entries()) {
    const at = PROGRAM_AT + index * SOCK_FILTER.size;
    memory.view.setUint16(at + SOCK_FILTER.code, code, true);
    memory.view.setUint32(at + SOCK_FILTER.k, k, true);
  }
  memory.view.setUint16(SOCK_FPROG.len, instructions.length, true);
  writePointer(memory.view, SOCK_FPROG.filter, memory.address + PROGRAM_AT);
  const { SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF } = LINUX;
  if (libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, memory.address, SOCK_FPROG.size) < 0) {
    throw new SystemCallError('setsockopt', libc.failure(), 'SO_ATTACH_REUSEPORT_CBPF', 'run with --workers 1');
  }
}

/** linux/bpf_common.h and linux/filter.h: what classic BPF instructions are made of. */
const BPF = { LD: 0x00, ALU: 0x04, RET: 0x06, W: 0x00, ABS: 0x20, ADD: 0x00, MOD: 0x90, K: 0x00, A: 0x10 } as const;
const PROGRAM_AT = 16;
