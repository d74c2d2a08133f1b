import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdleTunnels } from './idle-tunnels.js';

const LIMIT = 30;
const carried = (inboundPackets: bigint, outboundPackets: bigint) => [
  { tunnelId: 't', inboundPackets, outboundPackets },
  { tunnelId: 'other', inboundPackets: 0n, outboundPackets: 0n },
];

describe('idle tunnels', () => {
  it('are those that have carried nothing in either direction for as long as they may, and are told once', () => {
    const look = fc.record({ pause: fc.integer({ min: 1, max: 20 }), sent: fc.boolean(), received: fc.boolean() });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 40 }), (looks) => {
        const idle = new IdleTunnels();
        let [now, inbound, outbound] = [0, 0n, 0n];
        // What a clock beside the tunnel says: since when nothing was seen.
        let since: number | undefined;
        for (const { pause, sent, received } of looks) {
          now += pause;
          if (received) inbound++;
          if (sent) outbound++;
          if (sent || received || since === undefined) since = now;
          const over = now - since >= LIMIT;
          expect(idle.look(new Map([['t', LIMIT]]), carried(inbound, outbound), now)).toEqual(over ? ['t'] : []);
          if (over) since = undefined;
        }
      }),
    );
  });

  it('have their whole time again when they were away', () => {
    const idle = new IdleTunnels();
    const allowed = new Map([['t', LIMIT]]);
    idle.look(allowed, carried(5n, 5n), 0);
    idle.look(new Map(), carried(5n, 5n), LIMIT);
    expect(idle.look(allowed, carried(5n, 5n), LIMIT + 1)).toEqual([]);
    expect(idle.look(allowed, carried(5n, 5n), 2 * LIMIT + 1)).toEqual(['t']);
  });
});
