import type { CryptoProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { findOpenSslProvider } from '@weft/linux-io';

/** The provider of the packet path, and why it is not the fastest one. */
export interface CryptoChoice {
  readonly provider: CryptoProvider;
  readonly reason: string | undefined;
}

/** OpenSSL called directly where this Node lets us, else node:crypto, which is some five times slower per packet. */
export function chooseCrypto(portable: boolean): CryptoChoice {
  if (portable) return { provider: nodeCryptoProvider, reason: 'the portable data path was asked for' };
  const found = findOpenSslProvider();
  return found.kind === 'found'
    ? { provider: found.provider, reason: undefined }
    : { provider: nodeCryptoProvider, reason: found.reason };
}
