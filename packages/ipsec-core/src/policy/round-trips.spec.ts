import { describe, expect, it } from 'vitest';
import { readTunnelCounters, TUNNEL_COUNTERS } from './counter-memory.js';
import { RoundTrips } from './round-trips.js';

describe('the round trips of a tunnel', () => {
  it('are smoothed as in RFC 6298, the first one taken as it is', () => {
    const { trips, counters, read } = begin();
    expect(read()).toMatchObject({ roundTrip: undefined, roundTripProbes: 0n, roundTripAnswers: 0n });
    for (const [token, milliseconds] of [
      [1, 80],
      [2, 80],
      [3, 160],
    ] as const) {
      trips.sent(token, 1000 * token, true, counters);
      trips.answered(token, 1000 * token + milliseconds, counters);
    }
    expect(read()).toMatchObject({ roundTrip: 90, roundTripProbes: 3n, roundTripAnswers: 3n });
  });

  it('count what is lost of that which is known to pass, and nothing that is only tried', () => {
    const { trips, counters, read } = begin();
    trips.sent(0xffff_ffff, 0, true, counters);
    trips.sent(0, 0, true, counters);
    trips.sent(1, 0, false, counters);
    trips.sent(2, 0, false, counters);
    trips.answered(0, 10, counters);
    trips.answered(2, 10, counters);
    expect(read()).toMatchObject({ roundTrip: 10, roundTripProbes: 2n, roundTripAnswers: 1n });
  });

  it('take an answer once, in any order, and none to what was never sent or is forgotten', () => {
    const { trips, counters, read } = begin();
    for (let token = 0; token < 17; token++) trips.sent(token, 0, true, counters);
    for (const token of [16, 9, 9, 0, 25, 99]) trips.answered(token, 5, counters);
    expect(read()).toMatchObject({ roundTrip: 5, roundTripProbes: 17n, roundTripAnswers: 2n });
  });

  it('are more than nothing even where the clock does not move', () => {
    const { trips, counters, read } = begin();
    trips.sent(7, 1, true, counters);
    trips.answered(7, 1, counters);
    expect(read().roundTrip).toBeGreaterThan(0);
  });
});

function begin() {
  const counters = new Float64Array(TUNNEL_COUNTERS);
  return { trips: new RoundTrips(), counters, read: () => readTunnelCounters(counters) };
}
