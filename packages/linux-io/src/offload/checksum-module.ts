/**
 * The inner loops of checksums as a WebAssembly module of two functions: JavaScript has no vector instructions, and a
 * checksum over every octet in JavaScript took a fifth of the packet path's time. It is portable code that V8 compiles,
 * as it does ours; packet-memory.ts has the same loops in TypeScript, for engines without SIMD and as the oracle.
 *
 *     (func $sum (param $from i32) (param $length i32) (result i32))
 *     (func $copySum (param $from i32) (param $length i32) (param $to i32) (result i32))
 *
 * Both add up 16-bit little-endian words from $from; an odd octet counts as the low half of a word. $copySum also copies
 * the octets to $to, away from them. Results are unsigned and below 2^32 for up to 2^17 octets.
 */
export interface ChecksumFunctions {
  readonly sum: (from: number, length: number) => number;
  readonly copySum: (from: number, length: number, to: number) => number;
}

/** Memory with the functions on it, or undefined where WebAssembly or its SIMD is missing. `octets` is rounded up. */
export function createChecksumMemory(
  octets: number,
): { readonly buffer: ArrayBuffer; readonly functions: ChecksumFunctions } | undefined {
  const pages = Math.ceil(octets / PAGE_OCTETS);
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly?: WebAssemblyApi };
  if (WebAssembly?.validate(moduleOf(pages)) !== true) return undefined;
  // As large as it can ever get: growing would move it away under the addresses.
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(pages)), { env: { memory } });
  return { buffer: memory.buffer, functions: instance.exports };
}

interface WebAssemblyApi {
  validate(module: Uint8Array): boolean;
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (octets: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: ChecksumFunctions };
}

/** The module, for a memory of so many pages. Sections in the order of the specification (5.5.2). */
function moduleOf(pages: number): Uint8Array {
  const type = (parameters: number) => [0x60, ...vector(new Array(parameters).fill([I32])), 1, I32];
  const memory = [...text('env'), ...text('memory'), 0x02, 0x01, ...unsigned(pages), ...unsigned(pages)];
  const exported = (name: string, index: number) => [...text(name), 0x00, index];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([type(2), type(3)])),
    ...section(2, vector([memory])),
    ...section(3, vector([[0], [1]])),
    ...section(7, vector([exported('sum', 0), exported('copySum', 1)])),
    ...section(10, vector([code(false), code(true)])),
  ]);
}

/** One function: 32 octets at a time, then 16, then two, then one. */
function code(copies: boolean): number[] {
  const [from, length, to] = [0, 1, 2];
  const parameters = copies ? 3 : 2;
  const [even, odd, total, chunk] = [parameters, parameters + 1, parameters + 2, parameters + 3];
  /** accumulator += the eight words at $from + offset. */
  const addVector = (accumulator: number, offset: number) => [
    ...[...get(from), ...SIMD, ...V128_LOAD, ...at(0, offset), ...set(chunk)],
    ...(copies ? [...get(to), ...get(chunk), ...SIMD, ...V128_STORE, ...at(0, offset)] : []),
    ...[...get(accumulator), ...get(chunk), ...SIMD, ...I32X4_EXTADD_PAIRWISE_I16X8_U],
    ...[...SIMD, ...I32X4_ADD, ...set(accumulator)],
  ];
  const addWord = [
    ...[...get(total), ...get(from), I32_LOAD16_U, ...at(0, 0), I32_ADD, ...set(total)],
    ...(copies ? [...get(to), ...get(from), I32_LOAD16_U, ...at(0, 0), I32_STORE16, ...at(0, 0)] : []),
  ];
  const addOctet = [
    ...[...get(total), ...get(from), I32_LOAD8_U, ...at(0, 0), I32_ADD, ...set(total)],
    ...(copies ? [...get(to), ...get(from), I32_LOAD8_U, ...at(0, 0), I32_STORE8, ...at(0, 0)] : []),
  ];
  /** while ($length >= step) { body; $from += step; $to += step; $length -= step } */
  const loop = (step: number, body: readonly number[]) => [
    ...[BLOCK, VOID, LOOP, VOID, ...get(length), ...constant(step), I32_LT_U, BR_IF, 1, ...body],
    ...[...get(from), ...constant(step), I32_ADD, ...set(from)],
    ...(copies ? [...get(to), ...constant(step), I32_ADD, ...set(to)] : []),
    ...[...get(length), ...constant(step), I32_SUB, ...set(length), BR, 0, END, END],
  ];
  const lane = (index: number) => [...get(even), ...SIMD, ...I32X4_EXTRACT_LANE, index];
  const body = [
    ...loop(32, [...addVector(even, 0), ...addVector(odd, 16)]),
    ...loop(16, addVector(even, 0)),
    ...[...get(even), ...get(odd), ...SIMD, ...I32X4_ADD, ...set(even)],
    ...[...lane(0), ...lane(1), I32_ADD, ...lane(2), I32_ADD, ...lane(3), I32_ADD, ...set(total)],
    ...loop(2, addWord),
    ...loop(1, addOctet),
    ...[...get(total), END],
  ];
  const declared = vector([
    [2, V128],
    [1, I32],
    [1, V128],
  ]);
  return [...unsigned(declared.length + body.length), ...declared, ...body];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return [...unsigned(value.length), ...[...value].map((letter) => letter.charCodeAt(0))];
}

/** LEB128 (5.2.2). */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** A constant below 64, for which signed and unsigned LEB128 are the same. */
function constant(value: number): number[] {
  return [I32_CONST, value];
}

function get(local: number): number[] {
  return [LOCAL_GET, local];
}

function set(local: number): number[] {
  return [LOCAL_SET, local];
}

/** Alignment (as an exponent) and offset of a memory access. */
function at(alignment: number, offset: number): number[] {
  return [alignment, offset];
}

const PAGE_OCTETS = 65_536;

// WebAssembly Core Specification 2.0, chapter 5: binary format.
const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;
const BLOCK = 0x02;
const LOOP = 0x03;
const END = 0x0b;
const BR = 0x0c;
const BR_IF = 0x0d;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const I32_LOAD8_U = 0x2d;
const I32_LOAD16_U = 0x2f;
const I32_STORE8 = 0x3a;
const I32_STORE16 = 0x3b;
const I32_CONST = 0x41;
const I32_LT_U = 0x49;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const SIMD = [0xfd];
const V128_LOAD = [0x00];
const V128_STORE = [0x0b];
const I32X4_EXTRACT_LANE = [0x1b];
const I32X4_EXTADD_PAIRWISE_I16X8_U = [0x7f];
const I32X4_ADD = [0xae, 0x01];
