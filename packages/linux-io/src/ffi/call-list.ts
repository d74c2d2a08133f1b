import koffi from 'koffi';
import { callListRunner } from './call-list-code.js';
import * as libc from './libc.js';
import { allocate, type Memory } from './memory.js';
import { writePointer } from './pointers.js';

/**
 * C functions that are called one after the other for the price of one call from JavaScript: of a call into OpenSSL for
 * a small packet, more than half is the way from JavaScript to C and back. A list is written once; then only what
 * differs from run to run is.
 */
export class CallList {
  readonly #run: Run;
  readonly #memory: Memory;
  /** The same memory: words are written and read faster so than through a DataView. */
  readonly #words: Int32Array;
  #count = 0;

  /** From `findCallLists`, which knows whether this machine can. `capacity` calls at most. */
  constructor(run: Run, capacity: number) {
    this.#run = run;
    this.#memory = allocate(capacity * CALL.size);
    const { buffer, byteOffset, byteLength } = this.#memory.bytes;
    this.#words = new Int32Array(buffer, byteOffset, byteLength / 4);
  }

  /** Forgets all calls, for another use of the same memory. */
  clear(): void {
    this.#memory.bytes.fill(0);
    this.#count = 0;
  }

  /**
   * Appends a call with up to six integers or addresses. Throws RangeError when the list is full, or for a function at
   * address 0. @returns its number in the list
   */
  add(functionAddress: number, ...values: number[]): number {
    if (functionAddress === 0) throw new RangeError('there is no function at address 0');
    if (values.length > ARGUMENTS) throw new RangeError(`a call has at most ${ARGUMENTS} arguments`);
    if ((this.#count + 1) * CALL.size > this.#memory.bytes.length) throw new RangeError('the list of calls is full');
    const call = this.#count++;
    writePointer(this.#memory.view, call * CALL.size + CALL.function, functionAddress);
    values.forEach((value, argument) => {
      this.set(call, argument, value);
    });
    return call;
  }

  /** Changes an argument: an address, or an integer of up to 53 bits, which a C `int` takes the low half of. */
  set(call: number, argument: number, value: number): void {
    const word = call * CALL_WORDS + FIRST_ARGUMENT_WORD + argument * 2;
    this.#words[word] = value;
    this.#words[word + 1] = Math.floor(value / 0x1_0000_0000);
  }

  /** Changes an argument that is at least 0 and below 2^32, and was before: half the work. */
  setLow(call: number, argument: number, value: number): void {
    this.#words[call * CALL_WORDS + FIRST_ARGUMENT_WORD + argument * 2] = value;
  }

  /** Makes the first `count` calls in order, or all, whatever each of them answers. Throws RangeError beyond the last. */
  run(count = this.#count): void {
    if (!(count >= 0 && count <= this.#count)) throw new RangeError(`there are ${this.#count} calls, not ${count}`);
    // The code looks at the count behind the first call only.
    if (count > 0) this.#run(this.#memory.address, count);
  }

  /** What a call answered, as a C `int`. */
  result(call: number): number {
    return this.#words[call * CALL_WORDS + RESULT_WORD] ?? 0;
  }
}

/** Whether calls can be listed here. */
export type CallListLookup =
  | {
      readonly kind: 'found';
      /** An empty list. Its memory is never freed, so use a list again rather than make another. */
      readonly create: (capacity: number) => CallList;
    }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Finds out whether this machine lets us list calls; otherwise each function is called by itself. */
export function findCallLists(): CallListLookup {
  const runner = callListRunner();
  if (runner.kind === 'unusable') return runner;
  const prototype = koffi.proto('void (int64_t list, int64_t count)');
  const run = koffi.decode(BigInt(runner.address), prototype) as Run;
  return { kind: 'found', create: (capacity) => new CallList(run, capacity) };
}

/** Address of a function that this process exports, or 0. */
export function functionAddress(name: string): number {
  return libc.dlsym(RTLD_DEFAULT, name);
}

type Run = (list: number, count: number) => void;

/** One call, as call-list-code.ts reads it: eight words of eight octets. */
const CALL = { function: 0, first: 8, result: 56, size: 64 } as const;
const CALL_WORDS = CALL.size / 4;
const FIRST_ARGUMENT_WORD = CALL.first / 4;
const RESULT_WORD = CALL.result / 4;
const ARGUMENTS = 6;
/** dlfcn.h. */
const RTLD_DEFAULT = 0;
