import type { TunnelStatus } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { negotiatedKeyExchange } from './negotiated-keys.js';

const status = (keyExchangeMethods: number[], established = true, ppk = false): TunnelStatus => ({
  tunnelId: 'tunnel',
  inboundSpis: [],
  outboundSpi: 0,
  inboundPackets: 0n,
  inboundBytes: 0n,
  outboundPackets: 0n,
  outboundBytes: 0n,
  ike: { established, keyExchangeMethods, ppk, failure: '', rekeys: 0n, localBehindNat: false },
});

describe('the key exchange of a tunnel', () => {
  it.each([
    [[31, 36], { methods: ['X25519', 'ML-KEM-768'], postQuantum: true }],
    [[37], { methods: ['ML-KEM-1024'], postQuantum: true }],
    [[31], { methods: ['X25519'], postQuantum: false }],
    [[20, 32], { methods: ['ECP-384', 'X448'], postQuantum: false }],
    [[4711], { methods: ['method 4711'], postQuantum: false }],
  ])('of methods %j is %j', (methods, shown) => {
    expect(negotiatedKeyExchange([status(methods), status(methods)])).toEqual({ ...shown, ppk: false });
  });

  it('is post-quantum with a preshared key that both ends mixed in, whatever the methods', () => {
    const mixed = status([31], true, true);
    expect(negotiatedKeyExchange([mixed, mixed])).toEqual({ methods: ['X25519'], ppk: true, postQuantum: true });
  });

  it.each([
    ['one end has not reported', status([31, 36]), undefined],
    ['one end has no IKE SA any more', status([31, 36]), status([31, 36], false)],
    ['the two do not say the same', status([31, 36]), status([31])],
    ['only one says that there is a preshared key', status([31], true, true), status([31])],
    ['nothing was ever established', status([]), status([])],
  ])('is not claimed while %s', (_, one, other) => {
    expect(negotiatedKeyExchange([one, other])).toBeNull();
    expect(negotiatedKeyExchange([other, one])).toBeNull();
  });
});
