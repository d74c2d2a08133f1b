import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AntiReplayWindow } from './anti-replay.js';

/** A set of everything received, and the definition of RFC 4303 section 3.4.3 applied to it. */
class Oracle {
  readonly #size: bigint;
  readonly #received = new Set<bigint>();
  #top = 0n;

  constructor(size: number) {
    this.#size = BigInt(size);
  }

  receive(sequence: bigint): string {
    if (sequence <= this.#top - this.#size) return 'late';
    if (this.#received.has(sequence)) return 'duplicate';
    this.#received.add(sequence);
    if (sequence > this.#top) this.#top = sequence;
    return 'fresh';
  }
}

const high = (sequence: bigint) => Number(sequence >> 32n);
const low = (sequence: bigint) => Number(sequence & 0xffffffffn);

describe('anti-replay window (RFC 4303 section 3.4.3, RFC 6479)', () => {
  // Window 64; each row is received in order: number, verdict.
  const truth: readonly (readonly [number, string])[] = [
    [1, 'fresh'],
    [1, 'duplicate'],
    [3, 'fresh'],
    [2, 'fresh'],
    [2, 'duplicate'],
    [64, 'fresh'],
    [4, 'fresh'],
    [65, 'fresh'],
    [1, 'late'],
    [2, 'duplicate'],
    [66, 'fresh'],
    [2, 'late'],
    [3, 'duplicate'],
    [5, 'fresh'],
    [128, 'fresh'],
    [64, 'late'],
    [65, 'duplicate'],
    [67, 'fresh'],
    [127, 'fresh'],
    [127, 'duplicate'],
    [1000, 'fresh'],
    [936, 'late'],
    [937, 'fresh'],
    [937, 'duplicate'],
    [128, 'late'],
    [1000 + 32 * 2, 'fresh'],
    [1001, 'fresh'],
    [1000, 'late'],
    [0xffffffff, 'fresh'],
    [0xffffffff, 'duplicate'],
    [0xffffffff - 63, 'fresh'],
    [0xffffffff - 64, 'late'],
  ];

  it('follows the truth table', () => {
    const window = new AntiReplayWindow(64);
    for (const [row, [sequence, verdict]] of truth.entries()) {
      expect([row, sequence, window.check(0, sequence)]).toEqual([row, sequence, verdict]);
      window.commit(0, sequence);
    }
  });

  it('agrees with a set of everything received', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.bigInt({ min: -80n, max: 80n }) },
      { weight: 2, arbitrary: fc.bigInt({ min: -5000n, max: 5000n }) },
      { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 1n << 34n }) },
    );
    const starts = fc.constantFrom(1n, 100n, (1n << 32n) - 40n, (1n << 33n) + 5n, (1n << 63n) - 3n);
    fc.assert(
      fc.property(
        fc.integer({ min: 64, max: 4096 }),
        starts,
        fc.array(step, { maxLength: 200 }),
        (size, start, steps) => {
          const window = new AntiReplayWindow(size);
          const oracle = new Oracle(size);
          let around = start;
          for (const difference of steps) {
            const sequence = around + difference;
            if (sequence < 1n) continue;
            expect(window.check(high(sequence), low(sequence))).toBe(oracle.receive(sequence));
            window.commit(high(sequence), low(sequence));
            if (sequence > around) around = sequence;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('changes nothing on check', () => {
    const window = new AntiReplayWindow(64);
    window.check(0, 5000);
    expect(window.topLow).toBe(0);
    expect(window.check(0, 1)).toBe('fresh');
  });

  it.each([0, 63, 4097, 64.5, Number.NaN])('refuses a window of %d packets', (size) => {
    expect(() => new AntiReplayWindow(size)).toThrowError(/64 to 4096/);
  });

  it('has room for 1024 packets unless told otherwise', () => {
    const window = new AntiReplayWindow();
    window.commit(0, 2000);
    expect([window.size, window.check(0, 2000 - 1023), window.check(0, 2000 - 1024)]).toEqual([1024, 'fresh', 'late']);
  });
});
