import { KE, nameOf } from '@weft/ipsec-core/ike';

/** Names of key exchange methods, in the order in which they made the keys. */
export function keyExchangeNames(methods: readonly number[]): string[] {
  return methods.map((method) => nameOf(KE, method));
}

/** Whether one of them withstands a quantum computer: all must be broken to learn the keys (RFC 9370). */
export function isPostQuantum(methods: readonly number[]): boolean {
  return methods.some((method) => POST_QUANTUM.has(method));
}

const POST_QUANTUM: ReadonlySet<number> = new Set([KE.ML_KEM_512, KE.ML_KEM_768, KE.ML_KEM_1024]);
