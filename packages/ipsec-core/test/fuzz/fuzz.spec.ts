import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Session } from './session.js';
import { step } from './steps.js';
import { LINES } from './world.js';

/** Each run begins with fresh engines, which cost more than the steps of a short one. */
const STEPS = 1000;
const RUNS = 230;

/** Every line but the endless one. */
const ARRIVING = LINES.map(({ tunnelId }) => tunnelId)
  .filter((tunnelId) => tunnelId !== 'loop')
  .sort();

describe('the data plane under fuzz', () => {
  it('never throws, never delivers what was not sealed, reads and writes no neighbour, counts each discard once', {
    timeout: 300_000,
  }, () => {
    let calls = 0;
    const delivered = new Set<string>();
    const reached = new Set<string>();
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: STEPS, size: 'max' }), (steps) => {
        const session = new Session(nodeCryptoProvider);
        for (const one of steps) session.take(one);
        session.finish();
        calls += session.calls;
        for (const tunnelId of session.delivered) delivered.add(tunnelId);
        for (const what of session.reached.keys()) reached.add(what);
      }),
      { numRuns: RUNS, seed: 20_301 },
    );
    expect(calls).toBeGreaterThan(100_000);
    // What it exercised: a packet of every line arrived, and all kinds of answers were given.
    expect([...delivered].sort()).toEqual(ARRIVING);
    expect(reached.size).toBeGreaterThan(25);
  });
});
