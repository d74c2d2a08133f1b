import { toHex } from '@weft/ipsec-core';

/** One check of one provider: `run` throws when the answer is wrong. A vector may be the subject of several. */
export interface ConformanceCase {
  /** The vector file without `.json`, or CONTRACT. */
  readonly source: string;
  /** The vector's name in its file. */
  readonly name: string;
  readonly run: () => void;
}

/** A vector that no case uses, and why. */
export interface Omission {
  readonly source: string;
  readonly name: string;
  readonly reason: string;
}

export type ConformanceItem = ConformanceCase | Omission;

/** What `source` says for the cases that need no vector. */
export const CONTRACT = 'contract';

export function isCase(item: ConformanceItem): item is ConformanceCase {
  return 'run' in item;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function expectOctets(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (toHex(actual) !== toHex(expected)) throw new Error(`${what}: ${toHex(actual)} instead of ${toHex(expected)}`);
}

export function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}
