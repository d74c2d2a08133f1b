import { describe, expect, it } from 'vitest';
import { measure } from './measure.js';
import { type Association, idleProvider, SUITES, sealAndOpen } from './packets.js';

const SIZE = 1400;
/** Enough to be optimised. */
const BUDGET_MILLISECONDS = 40;
const MOST_ATTEMPTS = 20;

describe('the measurement', () => {
  it('sees an object per packet', () => {
    let kept: object = {};
    const work = () => {
      for (let i = 0; i < 100; i++) kept = { i, kept: undefined };
    };
    expect(measure({ count: 100, work }, BUDGET_MILLISECONDS).allocations).toBeCloseTo(1, 0);
    expect(kept).toBeDefined();
  });
});

/**
 * Objects per packet sealed and opened. The optimiser and the profiler allocate now and then, and code that is not yet
 * optimised boxes numbers; a packet that does allocate does so every time. So measured again until it is what was expected.
 */
function objectsPerPacket(association: Association, apart: boolean, expected: readonly number[]): readonly number[] {
  let objects: readonly number[] = [];
  for (let attempt = 0; attempt < MOST_ATTEMPTS && objects.join() !== expected.join(); attempt++) {
    const { seal, open } = sealAndOpen(idleProvider, association, SIZE, BUDGET_MILLISECONDS, apart);
    objects = [seal.allocations, open.allocations].map((share) => Math.floor(share + 0.5));
  }
  return objects;
}

describe('the packet path', () => {
  // A provider that does nothing leaves the engine alone.
  it.each(Object.entries(SUITES))('allocates nothing per packet: %s', (_, association) => {
    expect(objectsPerPacket(association, false, [0, 0])).toEqual([0, 0]);
  });

  it.each(Object.entries(SUITES))(
    'takes a view to move a packet to another array, unless a cipher does: %s',
    (name, association) => {
      const expected = /gmac|null|AH/.test(name) ? [1, 1] : [1, 0];
      expect(objectsPerPacket(association, true, expected)).toEqual(expected);
    },
  );
});
