import { describe, expect, it } from 'vitest';
import { Inbox } from './inbox.js';
import { Slots } from './slots.js';

describe('what a tunnel is still to be told', () => {
  it('keeps its order, and of what a controller or a stranger may repeat the last one only', () => {
    const inbox = new Inbox();
    for (let spi = 0; spi < 1000; spi++) {
      inbox.put({ kind: 'message', octets: Uint8Array.of(spi & 0xff) });
      inbox.put({ kind: 'unknown_spi', spi });
      inbox.put({ kind: 'used', spi: 256 + (spi % 2) });
    }
    const taken = [inbox.take(), inbox.take(), inbox.take(), inbox.take(), inbox.take()];
    expect(taken).toEqual([
      { kind: 'message', octets: Uint8Array.of(999 & 0xff) },
      { kind: 'unknown_spi', spi: 999 },
      { kind: 'used', spi: 256 },
      { kind: 'used', spi: 257 },
      undefined,
    ]);
  });
});

describe('work that is done so much at a time', () => {
  it('is never more than that, and all of it, failures included', async () => {
    const slots = new Slots(3);
    let [now, most] = [0, 0];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, nth) =>
        slots.run(async () => {
          most = Math.max(most, ++now);
          await Promise.resolve();
          now--;
          if (nth % 4 === 0) throw new Error('fails');
          return nth;
        }),
      ),
    );
    expect(most).toBe(3);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(15);
  });
});
