import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXCHANGE } from '../../wire/ike/iana.js';
import type { HistoryFact } from './entry.js';
import { History } from './history.js';
import { contentOf } from './message-content.js';

const NOTHING = contentOf([]);
const message = (
  exchange: number,
  direction: 'sent' | 'received',
  payloads: readonly number[],
  id = 0,
): HistoryFact => ({
  kind: 'message',
  direction,
  exchange,
  response: false,
  id,
  content: { ...NOTHING, payloads },
});
const liveness = (id: number) => message(EXCHANGE.INFORMATIONAL, 'sent', [], id);

function historyOf(facts: readonly HistoryFact[]): History {
  const history = new History();
  facts.forEach((fact, at) => {
    history.add({ at, sa: '00', ...fact });
  });
  return history;
}

const facts: fc.Arbitrary<HistoryFact> = fc.oneof(
  fc.constant<HistoryFact>({ kind: 'took-over' }),
  fc.nat(9).map((id) => message(EXCHANGE.CREATE_CHILD_SA, 'sent', [1], id)),
  fc.nat(9).map(liveness),
  fc.nat(2).map((id): HistoryFact => ({ kind: 'answered-again', exchange: EXCHANGE.IKE_AUTH, id, times: 2 })),
);

describe('A history', () => {
  it('keeps how it began and what came last, in order, bounded, and says how many it left out', () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 300 }), (all) => {
        const { entries, omitted } = historyOf(all).snapshot();
        expect(entries.length).toBeLessThanOrEqual(80);
        expect(entries.map(({ at }) => at)).toEqual([...entries].map(({ at }) => at).sort((a, b) => a - b));
        expect(entries.length + omitted).toBeLessThanOrEqual(all.length);
        // The last thing that happened is always there.
        if (all.length > 0) expect(entries.at(-1)?.at).toBe(all.length - 1);
        // What is neither repeated nor a liveness check is there, unless there was too much of it.
        const telling = all.flatMap((fact, at) => (fact.kind === 'took-over' ? [at] : []));
        const kept = new Set(entries.map(({ at }) => at));
        if (omitted === 0) expect(telling.every((at) => kept.has(at))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('of liveness checks that go well, keeps the latest: the handshake is still there after weeks', () => {
    const handshake = Array.from({ length: 9 }, (_, id) => message(EXCHANGE.IKE_AUTH, 'sent', [1], id));
    const { entries, omitted } = historyOf([
      ...handshake,
      ...Array.from({ length: 100_000 }, (_, id) => liveness(id)),
    ]).snapshot();
    expect(entries.slice(0, 9).map(({ at }) => at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const kept = entries.slice(9).map((entry) => (entry.kind === 'message' ? entry.id : undefined));
    expect(kept).toEqual([99_992, 99_993, 99_994, 99_995, 99_996, 99_997, 99_998, 99_999]);
    expect(omitted).toBe(99_992);
  });

  it('makes one entry of an answer that is given again and again', () => {
    const again = (times: number): HistoryFact => ({
      kind: 'answered-again',
      exchange: EXCHANGE.IKE_AUTH,
      id: 1,
      times,
    });
    const { entries } = historyOf([message(EXCHANGE.IKE_AUTH, 'sent', [1]), ...[2, 3, 4, 5].map(again)]).snapshot();
    expect(entries).toMatchObject([{ kind: 'message' }, { kind: 'answered-again', times: 5 }]);
  });
});
