import koffi from 'koffi';
import { LINUX } from './constants.js';
import { SystemCallError } from './errno.js';
import * as libc from './libc.js';

/**
 * Memory that the kernel may read and write: octets for JavaScript, an address for system calls.
 * It lives until the thread ends, so an address taken from it can never dangle.
 */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Address of `bytes[0]`. Only `addressWithin` may derive other addresses from it. */
  readonly address: number;
}

/**
 * Carves `size` octets, zeroed and aligned to a cache line, from an arena.
 *
 * This module is the only one that makes addresses. V8 frees (or, up to 64 octets, moves) a typed array of which
 * only the address is kept, and the process heap is then corrupted by the next system call. Therefore all memory
 * comes from ArrayBuffers, whose backing store never moves, and this module keeps every one of them for ever (or from
 * mappings of the kernel's memory, which it never ends).
 * Allocate at start and keep the result; nothing is ever given back.
 */
export function allocate(size: number): Memory {
  if (!Number.isSafeInteger(size) || size <= 0) throw new RangeError(`memory size must be a positive integer: ${size}`);
  const rounded = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  let arena = ARENAS.at(-1);
  if (arena === undefined || arena.used + rounded > arena.buffer.byteLength) {
    arena = createArena(Math.max(rounded, ARENA_OCTETS));
    ARENAS.push(arena);
  }
  const offset = arena.used;
  arena.used += rounded;
  return {
    bytes: new Uint8Array(arena.buffer, offset, size),
    view: new DataView(arena.buffer, offset, size),
    address: arena.address + offset,
  };
}

/**
 * Takes a buffer of another maker as an arena: it must never be detached or resized. Kept for ever, like all others.
 */
export function adopt(buffer: ArrayBuffer): Memory {
  const bytes = new Uint8Array(buffer);
  return { bytes, view: new DataView(buffer), address: keep(buffer) };
}

/**
 * The `size` octets that a descriptor shares with the kernel (mmap(2)). Like everything from here they stay mapped until
 * the process ends, also when the descriptor is closed. Throws SystemCallError; `subject` says what was to be mapped.
 */
export function mapShared(fd: number, size: number, subject: string): Memory {
  const address = libc.mmap(0, size, LINUX.PROT_READ | LINUX.PROT_WRITE, LINUX.MAP_SHARED, fd, 0);
  if (address === -1) throw new SystemCallError('mmap', libc.failure(), subject);
  const bytes = viewOfMapping(address, size);
  return { bytes, view: new DataView(bytes.buffer), address };
}

/** The octets of a mapping (mmap(2)), which must never be unmapped. */
export function viewOfMapping(address: number, size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(koffi.view(BigInt(address), size));
}

/** Address of `memory.bytes[offset]` when `length` octets from there lie within; otherwise a RangeError. */
export function addressWithin(memory: Memory, offset: number, length: number): number {
  if (offset < 0 || length < 0 || offset + length > memory.bytes.length) {
    throw new RangeError(`octets ${offset}..${offset + length} lie outside memory of ${memory.bytes.length}`);
  }
  return memory.address + offset;
}

/**
 * Address of `bytes[0]` when the octets lie in an arena of this thread, else 0: then only a copy in an arena may be
 * handed to a call. Costs a look-up: remember the answer for an array that comes again.
 */
export function addressOf(bytes: Uint8Array): number {
  const base = BASES.get(bytes.buffer);
  return base === undefined ? 0 : base + bytes.byteOffset;
}

interface Arena {
  readonly buffer: ArrayBuffer;
  readonly address: number;
  used: number;
}

function createArena(size: number): Arena {
  const buffer = new ArrayBuffer(size + ALIGNMENT);
  const base = keep(buffer);
  const skip = (ALIGNMENT - (base % ALIGNMENT)) % ALIGNMENT;
  return { buffer, address: base, used: skip };
}

/** Address of a buffer, which is held from now on. */
function keep(buffer: ArrayBuffer): number {
  const base = Number(koffi.address(new Uint8Array(buffer)));
  // User-space addresses have at most 57 bits in theory, 47 in what Linux hands out unasked: a double holds them.
  if (!Number.isSafeInteger(base)) throw new RangeError('address does not fit a JavaScript number');
  BASES.set(buffer, base);
  return base;
}

const ALIGNMENT = 64;
const ARENA_OCTETS = 1 << 20;
const ARENAS: Arena[] = [];
/** Address of the first octet of each arena's buffer. */
const BASES = new Map<ArrayBufferLike, number>();
