import type { KeyShare } from '@weft/contracts/southbound';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingShares } from './waiting-shares.js';

const LIMIT = 12;
const TUNNELS = ['a', 'b'];

type Step =
  | { readonly kind: 'put'; readonly tunnelId: string; readonly octets: number }
  | { readonly kind: 'take'; readonly only: string; readonly limit: number }
  | { readonly kind: 'fail' }
  | { readonly kind: 'retain'; readonly only: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    tunnelId: fc.constantFrom(...TUNNELS),
    octets: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ kind: fc.constant('take' as const), only: fc.constantFrom(...TUNNELS, 'all'), limit: fc.nat(3) }),
  fc.record({ kind: fc.constant('fail' as const) }),
  fc.record({ kind: fc.constant('retain' as const), only: fc.constantFrom(...TUNNELS) }),
);

/** Oracle: what came in order, of each tunnel the latest; and what left and can come back. */
class Model {
  waiting: readonly KeyShare[] = [];
  #left: readonly KeyShare[] = [];

  put(share: KeyShare): ReturnType<WaitingShares['put']> {
    const before = this.waiting.find(({ tunnelId }) => tunnelId === share.tunnelId);
    const after =
      before === undefined ? [...this.waiting, share] : this.waiting.map((old) => (old === before ? share : old));
    if (after.reduce((octets, { signedMessage }) => octets + signedMessage.length, 0) > LIMIT) return 'full';
    this.waiting = after;
    return before === undefined ? 'first' : 'superseding';
  }

  take(only: string, limit: number): readonly KeyShare[] {
    this.#left = this.waiting.filter(({ tunnelId }) => only === 'all' || tunnelId === only).slice(0, limit);
    this.waiting = this.waiting.filter((share) => !this.#left.includes(share));
    return this.#left;
  }

  fail(): { readonly back: readonly KeyShare[]; readonly gone: number } {
    const back = this.#left;
    const kept = back.filter(({ tunnelId }) => this.waiting.every((share) => share.tunnelId !== tunnelId));
    this.waiting = [...this.waiting, ...kept];
    this.#left = [];
    return { back, gone: back.length - kept.length };
  }

  retain(only: string): number {
    const before = this.waiting.length;
    this.waiting = this.waiting.filter(({ tunnelId }) => tunnelId === only);
    return before - this.waiting.length;
  }
}

function takeFrom(waiting: WaitingShares, only: string, limit: number): readonly KeyShare[] {
  let left = limit;
  return waiting.take((tunnelId) => {
    if (only !== 'all' && tunnelId !== only) return 'leave';
    left -= 1;
    return left < 0 ? 'stop' : 'take';
  });
}

function walk(waiting: WaitingShares, model: Model, step: Step, serial: number): void {
  switch (step.kind) {
    case 'put': {
      const share = { tunnelId: step.tunnelId, signedMessage: Buffer.alloc(step.octets, serial) };
      expect(waiting.put(share)).toBe(model.put(share));
      break;
    }
    case 'take':
      expect(takeFrom(waiting, step.only, step.limit)).toEqual(model.take(step.only, step.limit));
      break;
    case 'fail': {
      const { back, gone } = model.fail();
      expect(waiting.putBack(back)).toBe(gone);
      break;
    }
    case 'retain':
      expect(waiting.retain((tunnelId) => tunnelId === step.only)).toBe(model.retain(step.only));
  }
  expect(waiting.size).toBe(model.waiting.length);
}

describe('messages that wait to be stored', () => {
  it('are the latest of each tunnel within the limit, and every other one is accounted for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const waiting = new WaitingShares(LIMIT);
        const model = new Model();
        for (const [serial, each] of steps.entries()) walk(waiting, model, each, serial);
        expect(waiting.take(() => 'take')).toEqual(model.waiting);
      }),
      { numRuns: 2_000 },
    );
  });
});
