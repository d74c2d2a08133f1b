import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { PERFECT } from '../../src/testing/simulated-network.js';
import { establishedPair, LEFT, RIGHT, toyKeyExchange } from './fixtures.js';

describe('NAT keepalives that arrive (RFC 3948 section 4)', () => {
  it('say nothing about whether the peer lives', () => {
    const pair = establishedPair({ keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } });
    pair.network.conditions = { ...PERFECT, loss: 1 };
    for (let second = 0; second < 400; second += 20) {
      const [local, remote] = [LEFT, RIGHT].map((address) => ({ address, port: 4500 })) as [PathEnd, PathEnd];
      pair.give(pair.left, { kind: 'datagram', local, remote, octets: Uint8Array.of(0xff) });
      pair.runFor(20_000);
    }
    const failed = pair.left.events.filter(({ kind }) => kind === 'ike-failed');
    expect(failed).toMatchObject([{ kind: 'ike-failed', connection: 'left-right', reason: { code: 'peer_silent' } }]);
    expect(pair.left.engine.drops().size).toBe(0);
  });
});

interface PathEnd {
  readonly address: Uint8Array;
  readonly port: number;
}
