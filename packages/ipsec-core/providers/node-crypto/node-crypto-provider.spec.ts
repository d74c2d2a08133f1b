import { nobleProvider } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from './node-crypto-provider.js';

describe('the node:crypto provider', () => {
  it('lists whatever this Node has, here everything that the portable provider has', () => {
    for (const kind of ['aeads', 'ciphers', 'macs'] as const) {
      expect([...nodeCryptoProvider[kind]].sort()).toEqual([...nobleProvider[kind]].sort());
    }
  });

  it('keeps no hold on the octets of a key, be they those of a Buffer', () => {
    for (const algorithm of nodeCryptoProvider.macs) {
      const key = Buffer.alloc(16, 7);
      const [first, second] = [new Uint8Array(64), new Uint8Array(64)];
      const mac = nodeCryptoProvider.mac(algorithm, key);
      mac.compute(key, 0, 16, first);
      mac.compute(key, 0, 16, second);
      mac.destroy();
      expect([algorithm, second, key.every((octet) => octet === 7)]).toEqual([algorithm, first, true]);
    }
  });
});
