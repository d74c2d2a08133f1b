import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryFabric } from '../../test/arbitrary-fabric.js';
import { arbitraryPeers } from '../../test/arbitrary-peers.js';
import { compileFabric } from '../../test/compile-fabric.js';
import type { EdgeBundle } from '../bundle.js';
import type { FabricIntent, TunnelStart } from '../intent.js';
import { affectedEdges } from './affected-edges.js';
import { compileShared } from './compile-shared.js';

describe('edges that an edit affects', () => {
  it('are all whose delivered bundle is another one, and their bundles are made without those of others', () => {
    const seen = { some: 0, all: 0, spared: 0 };
    fc.assert(
      fc.property(arbitraryEdit(), ({ before, after }) => {
        const [old, now] = [delivered(before), delivered(after)];
        const shared = compileShared(before);
        fc.pre(old !== undefined && now !== undefined && shared.ok);
        if (old === undefined || now === undefined || !shared.ok) return;
        const next = compileShared(after, shared.fabric);
        if (!next.ok) throw new Error(JSON.stringify(next.problems));
        const affected = affectedEdges(shared.fabric, next.fabric);
        seen[affected === undefined ? 'all' : 'some'] += 1;
        if (affected === undefined) return;
        for (const [edgeId, bundle] of now) if (!affected.has(edgeId)) expect(bundle).toEqual(old.get(edgeId));
        seen.spared += now.size - affected.size;
        expect(delivered(after, affected)).toEqual(new Map([...now].filter(([edgeId]) => affected.has(edgeId))));
      }),
      { numRuns: 400 },
    );
    expect(seen.some, JSON.stringify(seen)).toBeGreaterThan(50);
    expect(seen.spared, JSON.stringify(seen)).toBeGreaterThan(20);
  });
});

function delivered(intent: FabricIntent, edgeIds?: ReadonlySet<string>): ReadonlyMap<string, EdgeBundle> | undefined {
  const result = compileFabric(intent, edgeIds);
  return result.ok ? result.bundles : undefined;
}

/** The rules of one intent, and then some of another, in one fabric. */
function arbitraryEdit(): fc.Arbitrary<{ readonly before: FabricIntent; readonly after: FabricIntent }> {
  return fc
    .record({
      pair: fc.oneof(fc.tuple(arbitraryFabric(), arbitraryFabric()), fc.tuple(arbitraryPeers(), arbitraryPeers())),
      taken: fc.nat(6),
      dropped: fc.nat(2),
      start: fc.option(fc.constantFrom<TunnelStart>({ kind: 'start' }, { kind: 'trap', idleSeconds: 60 }), { freq: 1 }),
      single: fc.constantFrom(true, true, false),
    })
    .map(({ pair: [one, other], taken, dropped, start, single }) => {
      const edges = single ? one.edges.filter(({ id }) => !id.startsWith('a-')) : one.edges;
      const before = { ...one, edges };
      const [policy] = before.policies;
      const rules = (policy?.rules ?? []).slice(dropped);
      const added = (other.policies[0]?.rules ?? []).slice(0, taken).map((rule, index) => ({
        ...rule,
        id: `added-${index}`,
        ...(start === null ? {} : { tunnelStart: start }),
      }));
      return {
        before,
        after: { ...before, policies: policy === undefined ? [] : [{ ...policy, rules: [...rules, ...added] }] },
      };
    });
}
