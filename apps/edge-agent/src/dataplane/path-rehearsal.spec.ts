import { type CryptoProvider, nobleProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { findOpenSslProvider, NO_OFFLOADS } from '@weft/linux-io';
import { describe, expect, it } from 'vitest';
import { DESCRIPTORS_OF_PAIRS, KeptPairs } from './kept-pairs.js';
import { PathRehearsal } from './path-rehearsal.js';
import { SelfTestError } from './self-test-error.js';
import { WarmPath } from './warm-path.js';

const found = findOpenSslProvider();
const PROVIDERS = [nodeCryptoProvider, nobleProvider, ...(found.kind === 'found' ? [found.provider] : [])];
const JOINING = { ...NO_OFFLOADS, virtioHeader: true, checksum: true, tcp: true, udp: true };

const pairs = () => new KeptPairs(new Int32Array(DESCRIPTORS_OF_PAIRS));

/** Cryptography that changes what it opens, from the packet on that `faulty` says. */
function changing(faulty: () => boolean): CryptoProvider {
  return {
    ...nodeCryptoProvider,
    aead(...of) {
      const aead = nodeCryptoProvider.aead(...of);
      return {
        seal: aead.seal.bind(aead),
        open: (nonce, aad, aadLength, data, offset, length, out, at) => {
          const opened = aead.open(nonce, aad, aadLength, data, offset, length, out, at);
          if (faulty()) out[at + 60] = (out[at + 60] ?? 0) ^ 1;
          return opened;
        },
        destroy: () => aead.destroy(),
      };
    },
  };
}

describe('the rehearsal of the packet path', () => {
  it.each(PROVIDERS)('has each packet come back with $name', (provider) => {
    for (const offloads of [NO_OFFLOADS, JOINING]) {
      const rehearsal = new PathRehearsal(provider, offloads, pairs());
      let clock = 0;
      expect(rehearsal.run(100, () => clock++)).toBe(100);
      rehearsal.close();
    }
  });

  it('fails when a packet comes back as another', () => {
    const rehearsal = new PathRehearsal(
      changing(() => true),
      JOINING,
      pairs(),
    );
    expect(() => rehearsal.echo()).toThrow(SelfTestError);
    rehearsal.close();
  });
});

describe('the path that is kept warm', () => {
  it('is gone every millisecond for a while after a packet and after it has begun, and not at all otherwise', () => {
    let opened = 0;
    const rehearsal = new PathRehearsal(
      changing(() => ++opened < 0),
      JOINING,
      pairs(),
    );
    const warm = new WarmPath(rehearsal, 0);
    warm.refresh(0);
    warm.used(1);
    warm.refresh(3999);
    expect([opened, warm.longestWait(3999)]).toEqual([2, 1]);
    warm.refresh(4000);
    expect([opened, warm.longestWait(4000)]).toEqual([2, Number.POSITIVE_INFINITY]);
    warm.used(5000);
    warm.refresh(5002);
    warm.refresh(5249);
    expect([opened, warm.longestWait(5249)]).toEqual([4, 1]);
    warm.refresh(5250);
    expect([opened, warm.longestWait(5250)]).toEqual([4, Number.POSITIVE_INFINITY]);
    warm.close();
  });
});
