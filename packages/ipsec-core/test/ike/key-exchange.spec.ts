import { describe, expect, it } from 'vitest';
import { nodeKeyExchange } from '../../providers/node-crypto/ike/key-exchange.js';
import { MODP_GROUPS } from '../../src/crypto/ike/key-exchange/modp.js';
import { nobleKeyExchange } from '../../src/crypto/ike/key-exchange/noble.js';
import { keyExchangeSuite } from './key-exchange.suite.js';
import { loadVectors, skipReason, vectorsFolder } from './vectors.js';

keyExchangeSuite(nobleKeyExchange);
keyExchangeSuite(nodeKeyExchange);

describe.skipIf(vectorsFolder === undefined)(`MODP primes (${skipReason})`, () => {
  it('computed from pi they are the published ones', () => {
    const published = loadVectors<{ group: number; prime: string }>('dh-modp-primes-rfc3526.json').vectors;
    for (const group of MODP_GROUPS) {
      const row = published.find((candidate) => candidate.group === group.method);
      expect(group.prime().toString(16)).toBe(row?.prime);
    }
  });
});
