import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SendingPlaces } from './sending-places.js';

const step = fc.oneof(
  fc.record({ asks: fc.nat(20), receives: fc.option(fc.nat(7), { nil: undefined }) }),
  fc.record({ keeps: fc.uniqueArray(fc.nat(20)) }),
);

describe('who sends in a tunnel', () => {
  it('is one worker as long as the tunnel is there, and the next tunnel is for one of those with the fewest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 80 }), (workers, steps) => {
        const places = new SendingPlaces(workers);
        const known = new Map<string, number>();
        for (const each of steps) {
          if ('keeps' in each) keep(places, known, each.keeps.map(String));
          else ask(places, known, String(each.asks), workers, each.receives);
        }
      }),
    );
  });

  it.each([2, 3, 4])('of %i is another than the one that receives in it, when there is but one tunnel', (workers) => {
    for (let receives = 0; receives < workers; receives++) {
      expect(new SendingPlaces(workers).of('t', receives)).toBe((receives + 1) % workers);
    }
  });

  it('of several tunnels is spread, also when all are received by one', () => {
    const places = new SendingPlaces(3);
    const chosen = ['a', 'b', 'c', 'd', 'e', 'f'].map((tunnelId) => places.of(tunnelId, 1));
    expect([...chosen].sort()).toEqual([0, 0, 1, 1, 2, 2]);
  });
});

function keep(places: SendingPlaces, known: Map<string, number>, tunnelIds: readonly string[]): void {
  places.keep(new Set(tunnelIds));
  for (const tunnelId of known.keys()) if (!tunnelIds.includes(tunnelId)) known.delete(tunnelId);
}

function ask(
  places: SendingPlaces,
  known: Map<string, number>,
  tunnelId: string,
  workers: number,
  receives: number | undefined,
): void {
  const before = known.get(tunnelId);
  const place = places.of(tunnelId, receives === undefined ? undefined : receives % workers);
  if (before !== undefined) expect(place).toBe(before);
  else {
    const tunnels = Array.from({ length: workers }, (_, at) => [...known.values()].filter((one) => one === at).length);
    expect(tunnels[place]).toBe(Math.min(...tunnels));
    known.set(tunnelId, place);
  }
}
