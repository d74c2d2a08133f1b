import { LINUX } from './constants.js';
import { errnoName } from './errno.js';
import * as libc from './libc.js';
import { viewOfMapping } from './memory.js';

/** Where the code is, or why there is none. */
export type CallListRunner =
  | { readonly kind: 'found'; readonly address: number }
  | { readonly kind: 'unusable'; readonly reason: string };

/**
 * The one piece of machine code of this package, and all that it does:
 *
 *     void run(struct call { void *function; int64_t arguments[6]; int64_t result; } *call, int64_t count) {
 *       do { call->result = call->function(call->arguments[0..5]); call++; } while (--count > 0);
 *     }
 *
 * It is mapped once per thread, written, and then made executable and read-only (never both writable and executable).
 * A machine that refuses that, as one with SELinux' execmem denied does, or has another processor, does without.
 */
export function callListRunner(): CallListRunner {
  const code = process.arch === 'x64' ? X86_64 : undefined;
  if (code === undefined) return { kind: 'unusable', reason: `lists of calls are not made for ${process.arch}` };
  const { PROT_READ, PROT_WRITE, PROT_EXEC, MAP_PRIVATE, MAP_ANONYMOUS } = LINUX;
  const address = libc.mmap(0, PAGE_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address === -1) return refusal('mmap');
  viewOfMapping(address, PAGE_OCTETS).set(code);
  if (libc.mprotect(address, PAGE_OCTETS, PROT_READ | PROT_EXEC) !== 0) return refusal('mprotect');
  return { kind: 'found', address };
}

function refusal(call: string): CallListRunner {
  return { kind: 'unusable', reason: `the kernel refuses memory for code: ${call}: ${errnoName(libc.failure())}` };
}

/** The smallest page of x86-64. */
const PAGE_OCTETS = 4096;

/** System V ABI for x86-64: arguments in rdi, rsi, rdx, rcx, r8, r9; rbx and r12 are kept by whoever is called. */
const X86_64 = Uint8Array.from(
  [
    [0xf3, 0x0f, 0x1e, 0xfa], //   endbr64
    [0x53], //                     push rbx
    [0x41, 0x54], //               push r12
    [0x48, 0x83, 0xec, 0x08], //   sub  rsp, 8              ; a multiple of 16 at each call
    [0x48, 0x89, 0xfb], //         mov  rbx, rdi            ; call
    [0x49, 0x89, 0xf4], //         mov  r12, rsi            ; count
    [0x48, 0x8b, 0x7b, 0x08], // 1:mov  rdi, [rbx + 8]
    [0x48, 0x8b, 0x73, 0x10], //   mov  rsi, [rbx + 16]
    [0x48, 0x8b, 0x53, 0x18], //   mov  rdx, [rbx + 24]
    [0x48, 0x8b, 0x4b, 0x20], //   mov  rcx, [rbx + 32]
    [0x4c, 0x8b, 0x43, 0x28], //   mov  r8,  [rbx + 40]
    [0x4c, 0x8b, 0x4b, 0x30], //   mov  r9,  [rbx + 48]
    [0x31, 0xc0], //               xor  eax, eax            ; no vector registers, should it take a variable number
    [0xff, 0x13], //               call [rbx]
    [0x48, 0x89, 0x43, 0x38], //   mov  [rbx + 56], rax
    [0x48, 0x83, 0xc3, 0x40], //   add  rbx, 64
    [0x49, 0xff, 0xcc], //         dec  r12
    [0x75, 0xd7], //               jnz  1b
    [0x48, 0x83, 0xc4, 0x08], //   add  rsp, 8
    [0x41, 0x5c], //               pop  r12
    [0x5b], //                     pop  rbx
    [0xc3], //                     ret
  ].flat(),
);
