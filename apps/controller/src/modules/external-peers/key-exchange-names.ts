import type { BundleKeyExchange, KeyExchangeMethod } from '@weft/fabric-compiler';

/** Key exchange methods as people write them; the order is that of IANA's numbers. */
export const KEY_EXCHANGE_NAMES = [
  'ECP-256',
  'ECP-384',
  'ECP-521',
  'X25519',
  'X448',
  'ML-KEM-512',
  'ML-KEM-768',
  'ML-KEM-1024',
] as const;
export type KeyExchangeName = (typeof KEY_EXCHANGE_NAMES)[number];

/** The first method and what is added to it; undefined without any. */
export function keyExchangeOf(names: readonly KeyExchangeName[]): BundleKeyExchange | undefined {
  const [method, ...additionalMethods] = names.map((name) => NUMBERS[name]);
  return method === undefined ? undefined : { method, additionalMethods };
}

export function keyExchangeNames(exchange: BundleKeyExchange | undefined): KeyExchangeName[] {
  if (exchange === undefined) return [];
  const numbers: readonly KeyExchangeMethod[] = [exchange.method, ...exchange.additionalMethods];
  return numbers.flatMap((number) => KEY_EXCHANGE_NAMES.filter((name) => NUMBERS[name] === number));
}

/** IKEv2 transform type 4 identifiers (IANA). */
const NUMBERS: Readonly<Record<KeyExchangeName, KeyExchangeMethod>> = {
  'ECP-256': 19,
  'ECP-384': 20,
  'ECP-521': 21,
  X25519: 31,
  X448: 32,
  'ML-KEM-512': 35,
  'ML-KEM-768': 36,
  'ML-KEM-1024': 37,
};
