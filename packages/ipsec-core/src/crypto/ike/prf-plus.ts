import type { Prf } from './prf.js';

/**
 * prf+ (K,S) = T1 | T2 | T3 | …, T1 = prf (K, S | 0x01), Tn = prf (K, Tn-1 | S | n), RFC 7296 section 2.13.
 * Throws RangeError beyond 255 rounds: "The prf+ function is not defined beyond 255 times the size of the prf function output".
 */
export function prfPlus(prf: Prf, key: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  if (length > MAXIMUM_ROUNDS * prf.length) throw new RangeError(`prf+ cannot give ${length} octets with ${prf.name}.`);
  const out = new Uint8Array(length);
  let previous = new Uint8Array(0);
  for (let round = 1, at = 0; at < length; round++) {
    const next = Uint8Array.from(prf.compute(key, previous, seed, Uint8Array.of(round)));
    previous.fill(0);
    previous = next;
    out.set(previous.subarray(0, length - at), at);
    at += previous.length;
  }
  previous.fill(0);
  return out;
}

const MAXIMUM_ROUNDS = 255;
