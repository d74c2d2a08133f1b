import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AntiReplayWindow } from './anti-replay.js';
import { ASSOCIATION_MEMORY_OCTETS, AssociationMemory } from './association-memory.js';
import { SEQUENCE_BLOCK, SequenceCounter } from './extended-sequence.js';

const numberOf = ({ high, low }: { high: number; low: number }) => (BigInt(high) << 32n) | BigInt(low);

/** An array that calls `stored` after every single store, as the moments between which a thread may be ended. */
function watched(array: Uint32Array, stored: () => void): Uint32Array {
  return new Proxy(array, {
    get: (target, property) => Reflect.get(target, property, target),
    set: (target, property, value) => {
      const done = Reflect.set(target, property, value, target);
      stored();
      return done;
    },
  });
}

describe('memory of an association', () => {
  /** What one engine does before it ends; `unused`: it ends between taking a block and using the first number of it. */
  const life = fc.record({ numbers: fc.nat(2 * SEQUENCE_BLOCK + 5), unused: fc.boolean() });

  it('gives every sequence number once, and rising, wherever engines end', () => {
    const start = fc.constantFrom(0n, (1n << 32n) - 3n * BigInt(SEQUENCE_BLOCK));
    fc.assert(
      fc.property(fc.array(life, { maxLength: 6 }), start, (lives, first) => {
        const memory = new AssociationMemory(new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS));
        Atomics.store(memory.reserved, 0, first / BigInt(SEQUENCE_BLOCK));
        let last = 0n;
        for (const { numbers, unused } of lives) {
          const counter = new SequenceCounter(true, memory);
          for (let i = 0; i < numbers; i++) {
            // Rising means that none comes twice.
            if (!counter.advance() || numberOf(counter) <= last) throw new Error(`${numberOf(counter)} after ${last}`);
            last = numberOf(counter);
          }
          if (unused) Atomics.add(memory.reserved, 0, 1n);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives no number to two engines even when both live', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 40 }), (turns) => {
        const memory = new AssociationMemory(new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS));
        const engines = [0, 1, 2].map(() => new SequenceCounter(true, memory));
        const seen = new Set<bigint>();
        let given = 0;
        for (const turn of turns) {
          // A fourth one takes the place of the first, which just ends.
          if (turn === 3) engines[0] = new SequenceCounter(true, memory);
          const engine = engines[turn % 3]!;
          for (let i = 0; i < 100; i++) {
            engine.advance();
            seen.add(numberOf(engine));
            given++;
          }
        }
        expect(seen.size).toBe(given);
      }),
    );
  });

  it('ends without extended numbers where they end, for every engine that follows', () => {
    const memory = new AssociationMemory();
    new SequenceCounter(false, memory).restore(0, 0xfffffffe);
    // The numbers that were left of the last block are lost with the engine that had taken it.
    for (let engine = 0; engine < 3; engine++) expect(new SequenceCounter(false, memory).advance()).toBe(false);
  });

  it('accepts nothing again that was delivered, wherever an engine ends', () => {
    const step = fc.oneof(
      fc.bigInt({ min: -70n, max: 5n }),
      fc.bigInt({ min: 1n, max: 200n }),
      fc.constant(1n << 31n),
      fc.constant((1n << 32n) - 1n),
    );
    fc.assert(
      fc.property(fc.constantFrom(64, 100), fc.array(step, { maxLength: 25 }), (size, steps) => {
        const top = new Uint32Array(2);
        const delivered: bigint[] = [];
        const successors: { window: AntiReplayWindow; delivered: number }[] = [];
        const stored = () => {
          successors.push({ window: new AntiReplayWindow(size, top.slice(), true), delivered: delivered.length });
        };
        const window = new AntiReplayWindow(size, watched(top, stored));
        let at = 1n;
        for (const by of steps) {
          at = at + by < 1n ? 1n : at + by;
          const [high, low] = [Number(at >> 32n), Number(at & 0xffffffffn)];
          if (window.check(high, low) !== 'fresh') continue;
          window.commit(high, low);
          delivered.push(at);
          stored();
        }
        for (const successor of successors) {
          for (const number of delivered.slice(0, successor.delivered)) {
            expect(successor.window.check(Number(number >> 32n), Number(number & 0xffffffffn))).not.toBe('fresh');
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('accepts everything beyond the right edge that an earlier window left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 64, max: 4096 }), (low, size) => {
        const window = new AntiReplayWindow(size, Uint32Array.of(3, low), true);
        for (let back = 0; back < 2 * size && back <= low; back++) {
          expect(window.check(3, low - back)).toBe(back < size ? 'duplicate' : 'late');
        }
        window.commit(3, low + 40);
        for (let ahead = 1; ahead < 40; ahead++) expect(window.check(3, low + ahead)).toBe('fresh');
      }),
      { numRuns: 20 },
    );
  });
});
