import { describe, expect, it } from 'vitest';
import { afterNews, type BlindState, NOTHING_HAPPENED } from './blind-state.js';
import type { BlindNews } from './blind-tunnel.js';

const STOPPED = { kind: 'stopped', reason: 'no space left on device', milliseconds: 1_000 } as const;
const DAMAGED = { kind: 'keys_damaged', reason: 'it was changed' } as const;
const after = (...news: readonly BlindNews[]): BlindState => news.reduce(afterNews, NOTHING_HAPPENED);

describe('how a tunnel stands whose keys the controller relays', () => {
  it('is alarming while nothing can be kept, and no longer', () => {
    expect(after(STOPPED).alarm?.reason).toBe(STOPPED.reason);
    expect(after(STOPPED, { kind: 'resumed' }).alarm).toBeUndefined();
    expect(after({ kind: 'resumed' })).toEqual(NOTHING_HAPPENED);
  });

  it('stays alarming when it goes on without keys, until there are some', () => {
    const stopped = after(STOPPED, DAMAGED, { kind: 'resumed' });
    expect(stopped.alarm?.reason).toBe(DAMAGED.reason);
    expect(afterNews(stopped, { kind: 'in_force', root: 1 }).alarm).toBeUndefined();
  });

  it('counts what was refused, and tells of it until keys are agreed on', () => {
    const refusal = { code: 'not_authentic', reason: 'mismatch' } as const;
    const refused = after({ kind: 'refused', refusal }, { kind: 'refused', refusal });
    expect(refused.refusals).toEqual({ not_authentic: 2 });
    expect(refused.refusal?.code).toBe('not_authentic');
    expect(afterNews(refused, { kind: 'in_force', root: 1 })).toEqual({
      ...NOTHING_HAPPENED,
      refusals: { not_authentic: 2 },
    });
  });
});
