import type { CryptoProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { IkeRehearsalError, rehearseIke } from './ike-rehearsal.js';

describe('the IKE SAs that an agent lives before the first peer', () => {
  it('are lived once at least', async () => {
    expect(await rehearseIke(0, () => 0)).toBe(1);
  });

  it('let others have the thread in between, and end when the time is over', async () => {
    let time = 0;
    const soon = async () => {
      time += 10;
    };
    expect(await rehearseIke(25, () => time, { soon })).toBe(3);
  });

  it('end with an error on a machine that does not seal as it opens', async () => {
    const provider: CryptoProvider = {
      ...nodeCryptoProvider,
      aead: (...words) => {
        const keyed = nodeCryptoProvider.aead(...words);
        return {
          seal: (nonce, aad, aadLength, buffer, offset, length) => {
            keyed.seal(nonce, aad, aadLength, buffer, offset, length);
            buffer[offset] = (buffer[offset] ?? 0) ^ 1;
          },
          open: (...arguments_) => keyed.open(...arguments_),
          destroy: () => keyed.destroy(),
        };
      },
    };
    await expect(rehearseIke(0, () => 0, { provider })).rejects.toThrow(IkeRehearsalError);
  });
});
