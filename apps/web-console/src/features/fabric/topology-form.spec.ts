import { describe, expect, it } from 'vitest';
import type { TopologyInput } from '../../api/index.js';
import { differs, readTopology, TOPOLOGIES, topologyValues, withRow } from './topology-form.js';

const EVERY: readonly TopologyInput[] = [
  { kind: 'full_mesh' },
  { kind: 'hub_and_spoke', hubSiteIds: ['a', 'b'], homes: [{ siteId: 'c', hubSiteId: 'b' }] },
  {
    kind: 'partial_mesh',
    meshes: [
      ['a', 'b'],
      ['b', 'c', 'd'],
    ],
  },
  { kind: 'custom_links', links: [{ siteIds: ['a', 'b'] }, { siteIds: ['b', 'c'] }], relaySiteIds: ['b'] },
];

describe('the form of a topology', () => {
  it('has every kind, the usual one first, with one sentence about each', () => {
    expect(TOPOLOGIES.map(({ value }) => value)).toEqual(EVERY.map(({ kind }) => kind));
    for (const { meaning } of TOPOLOGIES) expect(meaning).toMatch(/^[A-Z](?:(?!\. ).)*\.$/);
  });

  it.each(EVERY)('asks for $kind as it was read, and that is no change', (topology) => {
    expect(readTopology(topologyValues(topology))).toEqual({ body: topology });
    expect(differs({ topology, version: 1 }, topologyValues(topology))).toBe(false);
  });

  it('keeps what belongs to another kind while somebody looks at several', () => {
    const values = { ...topologyValues(EVERY[1] ?? { kind: 'full_mesh' }), kind: 'full_mesh' } as const;
    expect(readTopology(values)).toEqual({ body: { kind: 'full_mesh' } });
    expect(readTopology({ ...values, kind: 'hub_and_spoke' })).toEqual({ body: EVERY[1] });
  });

  it('says what is missing, and does not take it for saved', () => {
    const empty = topologyValues({ kind: 'full_mesh' });
    const problem = (part: object) => readTopology({ ...empty, ...part });
    expect(problem({ kind: 'hub_and_spoke' })).toEqual({ problem: 'Choose a hub.' });
    expect(problem({ kind: 'partial_mesh', meshes: withRow([]) })).toHaveProperty('problem');
    expect(problem({ kind: 'custom_links', links: [{ key: 0, siteIds: ['a'] }] })).toHaveProperty('problem');
    expect(differs({ topology: { kind: 'full_mesh' }, version: 1 }, { ...empty, kind: 'hub_and_spoke' })).toBe(true);
  });

  it('leaves homes of a site that is no hub any more away', () => {
    const values = { ...topologyValues(EVERY[1] ?? { kind: 'full_mesh' }), hubs: ['a'] };
    expect(readTopology(values)).toEqual({ body: { kind: 'hub_and_spoke', hubSiteIds: ['a'], homes: [] } });
  });

  it('tells rows apart when one between them goes', () => {
    const rows = withRow(withRow(withRow([])));
    expect(withRow(rows.filter(({ key }) => key !== 1)).map(({ key }) => key)).toEqual([0, 2, 3]);
  });
});
