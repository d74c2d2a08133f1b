import { describe, expect, it } from 'vitest';
import { Secret } from '../bytes/secret.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import { Chain, type DerivedAssociation } from './chain.js';
import { InboundWindow, LOOK_AHEAD, RETIRE_AFTER } from './inbound-window.js';

const chainAt = (position: number) => {
  const chain = new Chain(nobleProvider, new Secret(new Uint8Array(48).fill(4)), 0);
  chain.advanceTo(position);
  return chain;
};
/** SPIs by number, as the sender has them. */
const SPIS = new Map([...chainAt(0).spisAhead(600)].map(([spi, number]) => [number, spi]));
const spiOf = (number: number) => SPIS.get(number) ?? 0;
const numbers = (associations: readonly (DerivedAssociation | undefined)[]) => associations.map((each) => each?.number);

describe('what an edge receives on', () => {
  it('is the association in use and the three after it', () => {
    const window = new InboundWindow(chainAt(0), 36);
    expect(numbers(window.open())).toEqual([0, 1, 2, 3]);
    expect(numbers(window.used(0, 0))).toEqual([]);
    expect(numbers(window.used(2, 0))).toEqual([4, 5]);
    expect(numbers(window.used(1, 0))).toEqual([]);
    expect(numbers(window.used(5, 0))).toEqual([6, 7, 8]);
    expect(window.neverInstalled.position).toBe(9);
  });

  it('keeps those before for a while, for packets that are on their way', () => {
    const window = new InboundWindow(chainAt(0), 36);
    window.open();
    window.used(2, 1_000);
    expect(window.deadline).toBe(1_000 + RETIRE_AFTER);
    expect(window.retired(999 + RETIRE_AFTER)).toEqual([]);
    expect(window.retired(1_000 + RETIRE_AFTER)).toEqual([spiOf(0), spiOf(1)]);
    expect(window.numberOf(spiOf(1))).toBeUndefined();
    expect(window.numberOf(spiOf(2))).toBe(2);
    expect(window.deadline).toBeUndefined();
  });

  it('is found further ahead by its SPI, in any order, and moves only when that is used', () => {
    const window = new InboundWindow(chainAt(0), 36);
    window.open();
    expect(numbers([window.lookAhead(spiOf(100))])).toEqual([100]);
    expect(numbers([window.lookAhead(spiOf(50))])).toEqual([50]);
    expect(window.lookAhead(spiOf(50))).toBeUndefined();
    expect(window.lookAhead(spiOf(1))).toBeUndefined();
    expect(window.lookAhead(spiOf(4 + LOOK_AHEAD))).toBeUndefined();
    expect(window.neverInstalled.position).toBe(101);
    expect(numbers(window.used(1, 0))).toEqual([4]);
    expect(numbers(window.used(50, 0))).toEqual([51, 52, 53]);
    expect(window.neverInstalled.position).toBe(101);
    expect(numbers(window.used(98, 0))).toEqual([99, 101]);
    expect(window.neverInstalled.position).toBe(102);
  });

  it('takes no more than sixteen further ahead until the window moves', () => {
    const window = new InboundWindow(chainAt(0), 36);
    window.open();
    const found = Array.from({ length: 17 }, (_unused, at) => window.lookAhead(spiOf(10 * (at + 1))));
    expect(numbers(found).slice(-3)).toEqual([150, 160, undefined]);
    window.used(1, 0);
    expect(numbers([window.lookAhead(spiOf(170))])).toEqual([170]);
  });

  it('goes on behind everything that was installed when it begins again', () => {
    const window = new InboundWindow(chainAt(0), 36);
    window.open();
    window.lookAhead(spiOf(100));
    const stored = window.neverInstalled;
    const again = new InboundWindow(
      new Chain(
        nobleProvider,
        stored.reveal((key) => new Secret(key)),
        stored.position,
      ),
      36,
    );
    expect(numbers(again.open())).toEqual([101, 102, 103, 104]);
    expect(again.lookAhead(spiOf(100))).toBeUndefined();
  });

  it('ends with the last association of the root', () => {
    const window = new InboundWindow(chainAt(4094), 36);
    expect(numbers(window.open())).toEqual([4094, 4095]);
    expect(window.exhausted).toBe(true);
    expect(window.used(4095, 0)).toEqual([]);
  });
});
