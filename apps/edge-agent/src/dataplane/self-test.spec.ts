import { type CryptoProvider, type KeyedAead, nobleProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { allocatePacketMemory, findOpenSslProvider, NO_OFFLOADS } from '@weft/linux-io';
import { describe, expect, it } from 'vitest';
import { INBOUND_OCTETS } from './inbound.js';
import { OUTBOUND_OCTETS } from './outbound.js';
import { SelfTest } from './self-test.js';
import { SelfTestError } from './self-test-error.js';

const found = findOpenSslProvider();
const PROVIDERS = [nodeCryptoProvider, nobleProvider, ...(found.kind === 'found' ? [found.provider] : [])];
const JOINING = { ...NO_OFFLOADS, virtioHeader: true, tcp: true, udp: true };

describe('the self-test of the packet path', () => {
  it.each(PROVIDERS)('passes with $name, and leaves nothing behind', (provider) => {
    for (const offloads of [NO_OFFLOADS, JOINING]) {
      const { test, memories } = made(provider, offloads);
      expect(test.run(0, () => 0)).toBe(16 + 43);
      for (const { bytes } of memories) expect(bytes.every((octet) => octet === 0)).toBe(true);
    }
  });

  it('goes on until its time is over', () => {
    let clock = 0;
    expect(made(nodeCryptoProvider, JOINING).test.run(3, () => clock++)).toBe(3 * (16 + 43));
  });

  it.each<[string, Partial<KeyedAead>]>([
    ['seals nothing', { seal: () => undefined }],
    [
      'opens to something else',
      { open: (_n, _a, _l, _b, _o, length, out, at) => out.fill(4, at, at + length).length > 0 },
    ],
    ['opens nothing', { open: () => false }],
  ])('fails with cryptography that %s, and wipes what it worked with', (_, fault) => {
    const faulty: CryptoProvider = {
      ...nodeCryptoProvider,
      aead(...of) {
        const aead = nodeCryptoProvider.aead(...of);
        return { seal: aead.seal.bind(aead), open: aead.open.bind(aead), destroy: () => aead.destroy(), ...fault };
      },
    };
    const { test, memories } = made(faulty, JOINING);
    expect(() => test.run(0, () => 0)).toThrow(SelfTestError);
    for (const { bytes } of memories) expect(bytes.every((octet) => octet === 0)).toBe(true);
  });
});

function made(provider: CryptoProvider, offloads: typeof NO_OFFLOADS) {
  const memories = [allocatePacketMemory(OUTBOUND_OCTETS), allocatePacketMemory(INBOUND_OCTETS)] as const;
  return { test: new SelfTest(provider, ...memories, offloads), memories };
}
