import { LINUX } from '../ffi/constants.js';
import { SystemCallError } from '../ffi/errno.js';
import { SOCK_FILTER, SOCK_FPROG } from '../ffi/layouts.js';
import * as libc from '../ffi/libc.js';
import { allocate } from '../ffi/memory.js';
import { writePointer } from '../ffi/pointers.js';

/** One instruction of classic BPF: what it does, its operand, and how many to skip when its condition holds or does not. */
export type Instruction = readonly [code: number, k: number, ifTrue?: number, ifFalse?: number];

/** linux/bpf_common.h and linux/filter.h: what the codes of instructions are made of. */
export const BPF = {
  LD: 0x00,
  LDX: 0x01,
  ALU: 0x04,
  JMP: 0x05,
  RET: 0x06,
  W: 0x00,
  B: 0x10,
  ABS: 0x20,
  IND: 0x40,
  LEN: 0x80,
  MSH: 0xa0,
  SUB: 0x10,
  MOD: 0x90,
  JEQ: 0x10,
  JGE: 0x30,
  K: 0x00,
  X: 0x08,
  A: 0x10,
} as const;

/** Gives a socket a program by an option that takes one. Throws SystemCallError. */
export function attachFilter(
  fd: number,
  option: 'SO_ATTACH_FILTER' | 'SO_ATTACH_REUSEPORT_CBPF',
  program: readonly Instruction[],
): void {
  const memory = allocate(PROGRAM_AT + program.length * SOCK_FILTER.size);
  for (const [index, [code, k, ifTrue = 0, ifFalse = 0]] of program.entries()) {
    const at = PROGRAM_AT + index * SOCK_FILTER.size;
    memory.view.setUint16(at + SOCK_FILTER.code, code, true);
    memory.view.setUint8(at + SOCK_FILTER.jt, ifTrue);
    memory.view.setUint8(at + SOCK_FILTER.jf, ifFalse);
    memory.view.setUint32(at + SOCK_FILTER.k, k, true);
  }
  memory.view.setUint16(SOCK_FPROG.len, program.length, true);
  writePointer(memory.view, SOCK_FPROG.filter, memory.address + PROGRAM_AT);
  if (libc.setsockopt(fd, LINUX.SOL_SOCKET, LINUX[option], memory.address, SOCK_FPROG.size) < 0) {
    throw new SystemCallError('setsockopt', libc.failure(), option, 'run with --workers 1');
  }
}

const PROGRAM_AT = 16;
