import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryFabric } from '../../test/arbitrary-fabric.js';
import { compileFabric } from '../../test/compile-fabric.js';
import { threeSites } from '../../test/three-sites.js';
import { compileShared } from '../fabric/compile-shared.js';
import type { FabricIntent } from '../intent.js';
import { AddressLists } from './address-lists.js';
import { DeliveredEntries } from './delivered-entries.js';

describe('how much an edge is given', () => {
  it('knows beforehand how much it is, whatever the topology', () => {
    let entries = 0;
    fc.assert(
      fc.property(arbitraryFabric(), (intent) => {
        const shared = compileShared(intent);
        fc.pre(shared.ok);
        if (!shared.ok) return;
        const { ownership } = shared.fabric.plan.topology;
        const written = new DeliveredEntries(new AddressLists(ownership), ownership);
        for (const bundle of shared.fabric.bundles) {
          const all = written.of(bundle);
          const ranges = all.map(({ selector }) => selector.localAddresses.length + selector.remoteAddresses.length);
          expect(written.sizeOf(bundle)).toEqual({
            entries: all.length,
            ranges: ranges.reduce((sum, count) => sum + count, 0),
          });
          entries += all.length;
        }
      }),
    );
    expect(entries).toBeGreaterThan(500);
  });

  it('is refused where entries are more than an edge takes, or name more addresses, and it is said what to do', () => {
    const problemsOf = (intent: FabricIntent) => {
      const result = compileFabric(intent);
      return result.ok
        ? []
        : result.problems.map(({ pointer, rule, detail }) => [pointer, rule, detail.match(/\d{4,}/)?.[0]]).sort();
    };
    const base = threeSites('PROTECT');
    const everybody = [{ kind: 'any' }] as const;
    const rules = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        id: `rule-${index}`,
        name: `rule ${index}`,
        action: 'PROTECT' as const,
        sources: everybody,
        destinations: everybody,
        services: [{ protocol: 'tcp' as const, ports: [{ first: 1 + (index % 60_000), last: 1 + (index % 60_000) }] }],
      }));
    const policy = (count: number) => [{ id: 'p', name: 'p', enabled: true, rules: rules(count) }];
    // Each rule is an entry for who opens, and one for who answers.
    expect(problemsOf({ ...base, policies: policy(50_000) })).toEqual([]);
    expect(problemsOf({ ...base, policies: policy(50_001) })).toEqual(
      [0, 1, 2].map((edge) => [`/edges/${edge}`, 'too_many_entries', '100002']),
    );
    const networks = Array.from({ length: 3000 }, (_, index) => ({
      id: `n${index}`,
      siteId: `site-${index % 2}`,
      name: `n${index}`,
      prefix: `10.${8 + (index >> 8)}.${index & 255}.0/25`,
    }));
    // 700 rules of two entries, each with the ranges of everybody, and with those of the own site.
    expect(problemsOf({ ...base, networks, policies: policy(700) }).map(([, rule]) => rule)).toEqual([
      'too_many_entries',
      'too_many_entries',
    ]);
    expect(problemsOf({ ...base, networks, policies: policy(400) })).toEqual([]);
  });
});
