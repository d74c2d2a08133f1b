import type { Bundle } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import type { EdgeAssignment } from './edge-assignment.js';
import { removalAgreed } from './removal-agreement.js';
import { isMassRemoval, removalBetween, removesAnything } from './removals.js';

const [RUNNING, DESIRED, OTHER] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)];
const NOBODY: ReadonlySet<string> = new Set();

/** With a tunnel and a policy entry for each peer, and one entry that leads nowhere. */
function bundle(peers: readonly string[]): Bundle {
  return {
    tunnels: peers.map((peer) => ({ tunnelId: `to ${peer}`, peerEdgeId: peer })),
    securityPolicies: [
      ...peers.map((peer) => ({ entryId: `entry of ${peer}`, tunnelId: `to ${peer}` })),
      { entryId: 'discard', tunnelId: '' },
    ],
  } as unknown as Bundle;
}

const peers = (count: number) => Array.from({ length: count }, (_, index) => `edge-${index}`);

/** An edge that runs a bundle of revision 5 with 20 peers and should run one of revision 8 with fewer. */
function assignment(left: number, removalAgreedBy?: number): EdgeAssignment {
  return {
    tenantId: 'tenant',
    edgeId: 'edge',
    desired: { revision: 8, generation: 4n, hash: DESIRED, octets: DESIRED, bundle: bundle(peers(left)) },
    applied: { revision: 5, generation: 3n, hash: RUNNING, bundle: bundle(peers(20)) },
    rejection: undefined,
    removalAgreedBy,
  };
}

describe('what an edge loses', () => {
  it('is counted by the names of tunnels and policy entries', () => {
    const removal = removalBetween(bundle(peers(20)), bundle([...peers(8), 'another']));
    expect(removal).toEqual({ tunnels: { removed: 12, before: 20 }, securityPolicies: { removed: 12, before: 21 } });
    expect([removesAnything(removal), isMassRemoval(removal)]).toEqual([true, true]);
  });

  it.each([
    [20, 20, false],
    [20, 10, false],
    [20, 9, true],
    [10, 0, false],
    [11, 0, true],
    [1000, 500, false],
    [1000, 499, true],
  ])('from %i peers to %i is much: %s', (before, after, much) => {
    expect(isMassRemoval(removalBetween(bundle(peers(before)), bundle(peers(after))))).toBe(much);
  });
});

describe('that operators have agreed to what an edge loses', () => {
  it.each([
    ['nobody did', assignment(0), RUNNING, NOBODY, false],
    ['somebody did after what it runs', assignment(0, 6), RUNNING, NOBODY, true],
    ['somebody did with the newest', assignment(0, 8), RUNNING, NOBODY, true],
    ['somebody did with what it runs already', assignment(0, 5), RUNNING, NOBODY, false],
    ['it runs another than it is known to run', assignment(0, 8), OTHER, NOBODY, false],
    ['it runs nothing', assignment(0, 8), undefined, NOBODY, false],
    ['it has never said that it runs something', { ...assignment(0, 8), applied: undefined }, RUNNING, NOBODY, false],
    ['what is gone leads to edges that were revoked', assignment(4), RUNNING, new Set(peers(20).slice(4)), true],
    ['more is gone than what was revoked', assignment(0), RUNNING, new Set(peers(20).slice(18)), false],
    ['some of it leads to revoked edges and the rest is little', assignment(9), RUNNING, new Set(['edge-19']), true],
    ['edges that it never knew were revoked', assignment(0), RUNNING, new Set(['a stranger']), false],
  ])('when %s', (_, given, runningHash, revoked, agreed) => {
    expect(removalAgreed(given, runningHash, revoked)).toBe(agreed);
  });
});

describe('entries that are written in another form', () => {
  /** One entry of each rule, called `form` and the rule; `peers` tunnels. */
  const written = (form: string, rules: number, count: number): Bundle =>
    ({
      ...bundle(peers(count)),
      securityPolicies: Array.from({ length: rules }, (_, rule) => ({ entryId: `${form} ${rule}`, ruleId: `${rule}` })),
    }) as unknown as Bundle;
  const given = (before: Bundle, after: Bundle): EdgeAssignment => {
    const { desired, applied, ...rest } = assignment(0);
    if (applied === undefined) throw new Error('it runs something');
    return { ...rest, desired: { ...desired, bundle: after }, applied: { ...applied, bundle: before } };
  };

  it.each([
    ['have other names, each, and are of the same rules', written('pair', 30, 20), written('set', 30, 20), true],
    ['are of some rules less', written('pair', 30, 20), written('set', 16, 20), true],
    ['are of most rules less', written('pair', 30, 20), written('set', 14, 20), false],
    ['have lost most peers on the way', written('pair', 30, 20), written('set', 30, 9), false],
    ['have the names that they had, and most are gone', written('pair', 30, 20), written('pair', 14, 20), false],
  ])('are not gone, and nobody has to agree, when they %s', (_, before, after, agreed) => {
    expect(removalAgreed(given(before, after), RUNNING, NOBODY)).toBe(agreed);
    expect(removalAgreed(given(before, after), OTHER, NOBODY)).toBe(false);
  });
});
