import { toHex } from '@weft/ipsec-core';

/** One vector through one provider: `run` throws when the answer is wrong. */
export interface ConformanceCase {
  readonly source: string;
  readonly name: string;
  readonly run: () => void;
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
