import koffi from 'koffi';
import { dlsym } from '../ffi/libc.js';

/**
 * Gives the system back what the heap of the C library holds of memory that nobody uses (malloc_trim(3)): what threads that have ended
 * leave behind, and what was freed below something that is still used. It takes about a millisecond, in which other threads that allocate
 * there wait. @returns whether there was something to give back; false also where the C library has no such function, as musl.
 */
export function returnFreedMemory(): boolean {
  if (dlsym(0, TRIM) === 0) return false;
  trim ??= koffi.load(null).func(TRIM, 'int', ['size_t']) as (kept: number) => number;
  return trim(0) !== 0;
}

let trim: ((kept: number) => number) | undefined;
const TRIM = 'malloc_trim';
