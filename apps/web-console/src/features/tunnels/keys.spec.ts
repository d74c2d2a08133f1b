import { describe, expect, it } from 'vitest';
import { keysOf } from './keys.js';

describe('keysOf', () => {
  it('says what the edges agreed on, and what that is worth', () => {
    const keyExchange = { methods: ['X25519', 'ML-KEM-768'], ppk: false, postQuantum: true };
    expect(keysOf({ keyingMode: 'ikev2', keyExchange })).toEqual({
      madeWith: 'X25519 + ML-KEM-768',
      strength: { tone: 'up', label: 'post-quantum' },
    });
    const classical = { methods: ['ECP-256'], ppk: false, postQuantum: false };
    expect(keysOf({ keyingMode: 'ikev2', keyExchange: classical })).toEqual({
      madeWith: 'ECP-256',
      strength: { tone: 'idle', label: 'classical' },
    });
    expect(keysOf({ keyingMode: 'ikev2', keyExchange: { ...classical, ppk: true, postQuantum: true } })).toEqual({
      madeWith: 'ECP-256 + preshared key',
      strength: { tone: 'up', label: 'post-quantum' },
    });
  });

  it('claims nothing where nothing was exchanged', () => {
    expect(keysOf({ keyingMode: 'ikev2', keyExchange: null })).toEqual({ madeWith: 'not agreed yet' });
    expect(keysOf({ keyingMode: 'controller-blind', keyExchange: null })).toEqual({ madeWith: 'not agreed yet' });
    expect(keysOf({ keyingMode: 'ike-less', keyExchange: null })).toEqual({ madeWith: 'the controller' });
  });
});
