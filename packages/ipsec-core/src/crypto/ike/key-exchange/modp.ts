import { KE } from '../../../wire/ike/iana.js';

/**
 * The MODP groups of RFC 3526, made from their closed formula p = 2^b - 2^(b-64) - 1 + 2^64 * ([2^(b-130) pi] + c), so
 * that no digit can be mistyped; the primes are checked against the published ones in the spec. Generator 2. They are
 * safe primes: 1 < y < p - 1 is the whole check of a public value (RFC 6989 section 2.1).
 */
export interface ModpGroup {
  readonly method: number;
  readonly octets: number;
  /** Octets of a private exponent: at least twice the strength RFC 3526 section 8 gives the group. */
  readonly exponentOctets: number;
  prime(): bigint;
}

export const MODP_GROUPS: readonly ModpGroup[] = [
  group(KE.MODP_2048, 2048, 32, 124476n),
  group(KE.MODP_3072, 3072, 36, 1690314n),
  group(KE.MODP_4096, 4096, 40, 240904n),
  group(KE.MODP_6144, 6144, 44, 929484n),
  group(KE.MODP_8192, 8192, 52, 4743158n),
];

export function toBigint(octets: Uint8Array): bigint {
  let text = '0x0';
  for (const octet of octets) text += octet.toString(16).padStart(2, '0');
  return BigInt(text);
}

export function fromBigint(value: bigint, length: number): Uint8Array {
  const text = value.toString(16).padStart(2 * length, '0');
  return Uint8Array.from({ length }, (_unused, index) => Number.parseInt(text.slice(2 * index, 2 * index + 2), 16));
}

function group(method: number, bits: number, exponentOctets: number, constant: bigint): ModpGroup {
  let known: bigint | undefined;
  return {
    method,
    octets: bits / 8,
    exponentOctets,
    prime() {
      const b = BigInt(bits);
      known ??= (1n << b) - (1n << (b - 64n)) - 1n + ((piShifted(b - 130n) + constant) << 64n);
      return known;
    },
  };
}

/** Floor of pi * 2^bits by Machin's formula pi = 16 atan(1/5) - 4 atan(1/239), with guard bits. */
function piShifted(bits: bigint): bigint {
  const unit = 1n << (bits + GUARD_BITS);
  return (16n * arcTangentOfInverse(5n, unit) - 4n * arcTangentOfInverse(239n, unit)) >> GUARD_BITS;
}

function arcTangentOfInverse(x: bigint, unit: bigint): bigint {
  let power = unit / x;
  let sum = power;
  for (let n = 3n, sign = -1n; power !== 0n; n += 2n, sign = -sign) {
    power /= x * x;
    sum += (sign * power) / n;
  }
  return sum;
}

const GUARD_BITS = 64n;
