import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressPools } from './address-pools.js';

const range = { first: Uint8Array.of(10, 0, 0, 250), last: Uint8Array.of(10, 0, 1, 3) };
const SIZE = 10;

describe('Address pools', () => {
  it('never give one address to two, give all there are, and the one that a peer had', () => {
    const owners = Array.from({ length: 14 }, (_unused, index) => `peer ${index}`);
    const step = fc.record({ owner: fc.constantFrom(...owners), lease: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const pools = new AddressPools();
        const model = new Map<string, { address: string; count: number }>();
        for (const { owner, lease } of steps) {
          const held = model.get(owner);
          if (!lease) {
            pools.release(range, owner);
            if (held !== undefined && --held.count === 0) model.delete(owner);
            continue;
          }
          const address = pools.lease(range, owner)?.join('.');
          if (held !== undefined) {
            expect(address).toBe(held.address);
            held.count++;
          } else if (model.size === SIZE) expect(address).toBeUndefined();
          else {
            expect(address).toBeDefined();
            expect([...model.values()].map((other) => other.address)).not.toContain(address);
            model.set(owner, { address: address ?? '', count: 1 });
          }
        }
      }),
    );
  });

  it('keep an address for who had it while others are unused, and give what is wanted when it is free', () => {
    const pools = new AddressPools();
    const first = pools.lease(range, 'a');
    pools.release(range, 'a');
    expect(pools.lease(range, 'b')).not.toEqual(first);
    expect(pools.lease(range, 'a')).toEqual(first);
    const wanted = Uint8Array.of(10, 0, 1, 2);
    expect(pools.lease(range, 'c', wanted)).toEqual(wanted);
    expect(pools.lease(range, 'd', wanted)).not.toEqual(wanted);
    expect(pools.lease(range, 'e', Uint8Array.of(10, 9, 9, 9))?.[1]).toBe(0);
  });

  it('have room for as many as IPv6 has', () => {
    const first = new Uint8Array(16).fill(0xfd);
    const last = new Uint8Array(16).fill(0xff);
    expect(new AddressPools().lease({ first, last }, 'a')).toEqual(first);
  });
});
