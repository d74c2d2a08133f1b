import { describe, expect, it } from 'vitest';
import { measure } from './measure.js';
import { idleProvider, SUITES, sealAndOpen } from './packets.js';

/** A provider that does nothing leaves the engine alone; AH and GMAC take one view of a long packet to copy it. */
const VIEWS: Readonly<Record<string, number>> = { 'aes-gmac-128': 1, 'AH hmac-sha2-256-128': 1 };

const SIZE = 1400;
/** Enough to be optimised. */
const BUDGET_MILLISECONDS = 40;

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

describe('the packet path', () => {
  it.each(Object.entries(SUITES))('allocates nothing per packet: %s', (name, association) => {
    const { seal, open } = sealAndOpen(idleProvider, association, SIZE, BUDGET_MILLISECONDS);
    // The optimiser and the profiler allocate now and then; a packet that does, does so every time.
    const allocations = [seal.allocations, open.allocations].map((share) => Math.floor(share + 0.5));
    expect(allocations).toEqual([VIEWS[name] ?? 0, VIEWS[name] ?? 0]);
  });
});
