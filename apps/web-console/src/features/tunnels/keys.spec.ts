import { describe, expect, it } from 'vitest';
import { keysOf } from './keys.js';

describe('keysOf', () => {
  it('says what the edges agreed on, and what that is worth', () => {
    const keyExchange = { methods: ['X25519', 'ML-KEM-768'], postQuantum: true };
    expect(keysOf({ keyingMode: 'ikev2', keyExchange })).toEqual({
      madeWith: 'X25519 + ML-KEM-768',
      strength: { tone: 'up', label: 'post-quantum' },
    });
    expect(keysOf({ keyingMode: 'ikev2', keyExchange: { methods: ['ECP-256'], postQuantum: false } })).toEqual({
      madeWith: 'ECP-256',
      strength: { tone: 'idle', label: 'classical' },
    });
  });

  it('claims nothing where nothing was exchanged', () => {
    expect(keysOf({ keyingMode: 'ikev2', keyExchange: null })).toEqual({ madeWith: 'not agreed yet' });
    expect(keysOf({ keyingMode: 'ike-less', keyExchange: null })).toEqual({ madeWith: 'the controller' });
  });
});
