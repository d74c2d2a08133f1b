import { describe, expect, it } from 'vitest';
import type { TopologyInput } from '../../api/index.js';
import { topologyWords } from './topology-words.js';

const NAMES: Readonly<Record<string, string>> = { a: 'Amsterdam', b: 'Berlin', c: 'Chicago', d: 'Delhi' };
const words = (before: TopologyInput | null, after: TopologyInput | null) =>
  topologyWords(before, after, (id) => NAMES[id] ?? id);
const hubs = (hubSiteIds: string[], homes: { siteId: string; hubSiteId: string }[] = []): TopologyInput => ({
  kind: 'hub_and_spoke',
  hubSiteIds,
  homes,
});
const links = (pairs: [string, string][], relaySiteIds: string[] = []): TopologyInput => ({
  kind: 'custom_links',
  links: pairs.map((siteIds) => ({ siteIds })),
  relaySiteIds,
});

describe('the words of a topology', () => {
  it('say what another kind has', () => {
    expect(words(null, hubs(['a'], [{ siteId: 'b', hubSiteId: 'a' }]))).toEqual([
      'Full mesh becomes hub and spoke',
      'hub Amsterdam',
      'spoke Berlin has its tunnel with Amsterdam',
    ]);
    expect(words(hubs(['a']), null)).toEqual(['Hub and spoke becomes full mesh']);
    expect(words(null, { kind: 'partial_mesh', meshes: [['a', 'b']] })).toEqual([
      'Full mesh becomes partial mesh',
      'mesh 1: Amsterdam, Berlin',
    ]);
  });

  it('say which hubs come and go, which spokes have another one, and who has none of its own', () => {
    const before = hubs(['a', 'c'], [{ siteId: 'b', hubSiteId: 'c' }]);
    const after = hubs(['d', 'a'], [{ siteId: 'b', hubSiteId: 'a' }]);
    expect(words(before, after)).toEqual([
      'spokes without a hub of their own have their tunnel with Delhi; before: Amsterdam',
      'hub Chicago: removed',
      'hub Delhi: added',
      'spoke Berlin has its tunnel with Amsterdam; before: spoke Berlin has its tunnel with Chicago',
    ]);
    expect(words(hubs(['a', 'b']), hubs(['a', 'b']))).toEqual([]);
  });

  it('say which links and relays come and go, whichever end of a link is written first', () => {
    const before = links(
      [
        ['a', 'b'],
        ['b', 'c'],
      ],
      ['b'],
    );
    const after = links(
      [
        ['b', 'a'],
        ['a', 'd'],
      ],
      ['a'],
    );
    expect(words(before, after)).toEqual([
      'link Berlin – Chicago: removed',
      'relay Berlin: removed',
      'link Amsterdam – Delhi: added',
      'relay Amsterdam: added',
    ]);
  });

  it('say who is in a mesh, and was', () => {
    const mesh = (...meshes: string[][]): TopologyInput => ({ kind: 'partial_mesh', meshes });
    expect(words(mesh(['a', 'b']), mesh(['a', 'b', 'c'], ['d']))).toEqual([
      'mesh 1: Amsterdam, Berlin, Chicago; before: mesh 1: Amsterdam, Berlin',
      'mesh 2: Delhi: added',
    ]);
  });
});
