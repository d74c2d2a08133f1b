import type { BundleIkeProposal, KeyExchangeMethod } from '../bundle.js';

/** Keywords of strongSwan for what bundles can say, as we write them. */
export const PRF_KEYWORDS: Readonly<Record<BundleIkeProposal['prf'], string>> = {
  'hmac-sha2-256': 'prfsha256',
  'hmac-sha2-384': 'prfsha384',
  'hmac-sha2-512': 'prfsha512',
};

export const METHOD_KEYWORDS: Readonly<Record<KeyExchangeMethod, string>> = {
  19: 'ecp256',
  20: 'ecp384',
  21: 'ecp521',
  31: 'x25519',
  32: 'x448',
  35: 'mlkem512',
  36: 'mlkem768',
  37: 'mlkem1024',
};

/** One algorithm of a proposal. `integrity` goes without saying beside AES-GCM; of IKE it is the pseudorandom function, too. */
export type Keyword =
  | { readonly kind: 'encryption'; readonly keyBits: 128 | 192 | 256 }
  | { readonly kind: 'prf' | 'integrity'; readonly prf: BundleIkeProposal['prf'] }
  /** `round`: 0 for the first key exchange, else the number of the additional one (RFC 9370). */
  | { readonly kind: 'exchange'; readonly round: number; readonly method: KeyExchangeMethod }
  | { readonly kind: 'sequence_numbers'; readonly extended: boolean };

/** Undefined for an algorithm that bundles cannot say. */
export function keywordOf(text: string): Keyword | undefined {
  const [, added, name = ''] = /^(?:ke([1-7])_)?(.*)$/.exec(text.toLowerCase()) ?? [];
  const method = METHODS.get(name);
  if (method !== undefined) return { kind: 'exchange', round: Number(added ?? 0), method };
  return added === undefined ? OTHERS.get(name) : undefined;
}

const METHODS: ReadonlyMap<string, KeyExchangeMethod> = new Map([
  ...([19, 20, 21, 31, 32, 35, 36, 37] as const).map((method) => [METHOD_KEYWORDS[method], method] as const),
  ['curve25519', 31],
  ['curve448', 32],
]);

const OTHERS: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  // With an ICV of 16 octets, which is 128 bits.
  ...([128, 192, 256] as const).flatMap((keyBits) =>
    ['gcm16', 'gcm128', 'gcm'].map((mode): [string, Keyword] => [
      `aes${keyBits}${mode}`,
      { kind: 'encryption', keyBits },
    ]),
  ),
  ...(['hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512'] as const).flatMap((prf): [string, Keyword][] => {
    const bits = prf.slice(-3);
    return [
      [PRF_KEYWORDS[prf], { kind: 'prf', prf }],
      [`sha${bits}`, { kind: 'integrity', prf }],
      [`sha2_${bits}`, { kind: 'integrity', prf }],
    ];
  }),
  ['esn', { kind: 'sequence_numbers', extended: true }],
  ['noesn', { kind: 'sequence_numbers', extended: false }],
]);
