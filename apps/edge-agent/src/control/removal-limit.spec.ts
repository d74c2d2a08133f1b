import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundleByAddress } from '../../test/support/addressed-bundle.js';
import { largeBundle } from '../../test/support/test-bundle.js';
import { parseBundle } from './bundle/parse-bundle.js';
import { ALWAYS_ALLOWED, checkRemovals, type Removable, type Successor } from './removal-limit.js';

const bundle = (tunnels: readonly string[], entries: readonly string[], contentHash = 'running'): Removable =>
  ({
    tunnels: new Map(tunnels.map((id) => [id, {}])),
    policies: entries.map((entryId) => ({ entryId })),
    contentHash,
  }) as unknown as Removable;
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `id-${from + index}`);
const next = (tunnels: readonly string[], entries: readonly string[], agreedRemovalFrom?: string): Successor => ({
  ...bundle(tunnels, entries, 'next'),
  agreedRemovalFrom,
});

describe('the limit of what a bundle may remove', () => {
  it.each([
    ['tunnels', 'a small site may lose all it has', next(ids(0), ids(0)), bundle(ids(10), ids(10)), false],
    ['tunnels', 'one more is too much', next(ids(0), ids(11)), bundle(ids(11), ids(11)), true],
    ['security_policies', 'so it is of entries', next(ids(11), ids(0)), bundle(ids(11), ids(11)), true],
    ['tunnels', 'half may go', next(ids(20), ids(0)), bundle(ids(40), ids(0)), false],
    ['tunnels', 'half and one may not', next(ids(19), ids(0)), bundle(ids(40), ids(0)), true],
    [
      'tunnels',
      'what takes the place of others does not count for them',
      next(ids(40, 40), []),
      bundle(ids(40), []),
      true,
    ],
    ['tunnels', 'what comes beside others does not count', next(ids(90), []), bundle(ids(40), []), false],
  ] as const)('%s: %s', (path, _, after, before, refused) => {
    const attempt = () => checkRemovals(before, after, 50);
    if (!refused) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(expect.objectContaining({ path, rule: 'mass_removal' }));
  });

  it('is said with both numbers, the limit and what to do', () => {
    const { reason } = refusal(() => checkRemovals(bundle(ids(20), []), next(ids(8), []), 30));
    expect(reason).toMatch(/^12 of 20 tunnels in force would be removed, which is more than 10 and more than 30 %;/);
    expect(reason).toMatch(/publish again and agree to the removals, or raise removal-limit at this edge$/);
  });

  it('does not hold for the first bundle, nor where an operator agreed to what goes from the one that runs', () => {
    const many = bundle(ids(40), ids(40));
    expect(() => checkRemovals(undefined, next([], []), 0)).not.toThrow();
    expect(() => checkRemovals(many, next([], [], 'running'), 0)).not.toThrow();
    // Agreed of another bundle, as one that was replayed, or a controller that does not know what runs here.
    expect(() => checkRemovals(many, next([], [], 'another'), 50)).toThrow(/mass_removal/);
    expect(() => checkRemovals(many, next([], []), 100)).not.toThrow();
  });

  it('holds for entries that name their tunnels when others take their place that name none, unless that was agreed to', () => {
    const large = largeBundle(20);
    const { tunnels: _, ...addressed } = bundleByAddress();
    const tunnels = large.tunnels.map((tunnel, index) => ({ ...tunnel, carries: index === 0 ? [2, 3] : [] }));
    const before: Removable = { ...parseBundle(large), contentHash: 'named' };
    const after: Removable = { ...parseBundle({ ...addressed, tunnels }), contentHash: 'by address' };
    // Every entry is another one, in both directions: fewer are gone when the way back is taken.
    expect(() => checkRemovals(before, after, 50)).toThrow(
      expect.objectContaining({ path: 'security_policies', rule: 'mass_removal' }),
    );
    expect(() => checkRemovals(before, { ...after, agreedRemovalFrom: 'named' }, 50)).not.toThrow();
    expect(() => checkRemovals(after, before, 50)).not.toThrow();
  });

  it('is what counting says, whatever the bundles', () => {
    const list = fc.uniqueArray(fc.integer({ min: 0, max: 60 }).map(String), { maxLength: 60 });
    fc.assert(
      fc.property(list, list, fc.integer({ min: 0, max: 100 }), (before, after, limit) => {
        const gone = before.filter((id) => !after.includes(id)).length;
        const refused = gone > ALWAYS_ALLOWED && gone / before.length > limit / 100;
        const tunnels = () => checkRemovals(bundle(before, []), next(after, []), limit);
        const entries = () => checkRemovals(bundle([], before), next([], after), limit);
        for (const attempt of [tunnels, entries]) {
          if (refused) expect(attempt).toThrow(/mass_removal/);
          else expect(attempt).not.toThrow();
        }
      }),
    );
  });
});

function refusal(attempt: () => void): { reason: string } {
  try {
    attempt();
  } catch (error) {
    return error as { reason: string };
  }
  throw new Error('it was not refused');
}
