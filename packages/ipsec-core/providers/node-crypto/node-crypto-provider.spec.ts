import { nobleProvider } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from './node-crypto-provider.js';

describe('the node:crypto provider', () => {
  it('lists whatever this Node has, here everything that the portable provider has', () => {
    for (const kind of ['aeads', 'ciphers', 'macs'] as const) {
      expect([...nodeCryptoProvider[kind]].sort()).toEqual([...nobleProvider[kind]].sort());
    }
  });
});
