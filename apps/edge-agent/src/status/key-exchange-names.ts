import { KE, nameOf } from '@weft/ipsec-core/ike';

/** What keys were made with. */
interface MadeWith {
  readonly keyExchangeMethods: readonly number[];
  /** A postquantum preshared key was mixed in. */
  readonly ppk: boolean;
}

/** Names of key exchange methods, in the order in which they made the keys. */
export function keyExchangeNames(methods: readonly number[]): string[] {
  return methods.map((method) => nameOf(KE, method));
}

/** The same for people, with the preshared key that was mixed in. */
export function keysMadeWith({ keyExchange, ppk }: { readonly keyExchange: readonly string[]; readonly ppk: boolean }) {
  return [...keyExchange, ...(ppk ? ['PPK'] : [])].join(' + ');
}

/**
 * Whether something in the keys withstands a quantum computer: all methods must be broken to learn them (RFC 9370), and who has
 * broken them all still lacks a preshared key of enough entropy (RFC 8784 section 6).
 */
export function isPostQuantum({ keyExchangeMethods, ppk }: MadeWith): boolean {
  return ppk || keyExchangeMethods.some((method) => POST_QUANTUM.has(method));
}

const POST_QUANTUM: ReadonlySet<number> = new Set([KE.ML_KEM_512, KE.ML_KEM_768, KE.ML_KEM_1024]);
