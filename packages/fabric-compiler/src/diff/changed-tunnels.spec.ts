import { describe, expect, it } from 'vitest';
import { compiledOrThrow, externalIntent, healthyIntent, SPOKES } from '../../test/seeded-bugs.js';
import { changedTunnels } from './changed-tunnels.js';

const mesh = healthyIntent();

describe('changedTunnels', () => {
  it('are all of the first revision, and none when nothing changes', () => {
    const fabric = compiledOrThrow(mesh);
    const first = changedTunnels(undefined, fabric);
    expect(first.length).toBeGreaterThan(0);
    expect(first.every(({ change, ends: [one, other] }) => change === 'added' && one < other)).toBe(true);
    expect(changedTunnels(fabric, compiledOrThrow(structuredClone(mesh)))).toEqual([]);
  });

  it('go with the rules that needed them, and come back with them', () => {
    const [full, empty] = [compiledOrThrow(mesh), compiledOrThrow({ ...mesh, policies: [] })];
    const all = changedTunnels(undefined, full).map(({ ends }) => ends);
    expect(changedTunnels(full, empty).map(({ change, ends }) => [change, ends])).toEqual(
      all.map((ends) => ['removed', ends]),
    );
    expect(changedTunnels(empty, full).every(({ change }) => change === 'added')).toBe(true);
  });

  it('are other ones when an end moves, exactly those of that edge', () => {
    const [moved] = mesh.edges;
    const edges = mesh.edges.map((edge) => (edge === moved ? { ...edge, underlayAddress: '198.51.100.77' } : edge));
    const changes = changedTunnels(compiledOrThrow(mesh), compiledOrThrow({ ...mesh, edges }));
    expect(changes.length).toBeGreaterThan(0);
    for (const { change, ends } of changes) expect([change, ends.includes(moved?.id ?? '')]).toEqual(['changed', true]);
  });

  it('are all other ones when somebody else makes the keys', () => {
    const changes = changedTunnels(compiledOrThrow(mesh), compiledOrThrow({ ...mesh, keyingMode: 'ike-less' }));
    expect(changes.map(({ ends }) => ends)).toEqual(
      changedTunnels(undefined, compiledOrThrow(mesh)).map(({ ends }) => ends),
    );
    expect(changes.every(({ change }) => change === 'changed')).toBe(true);
  });

  it('are about whom the topology has an edge talk to, external peers among them', () => {
    const toHub = changedTunnels(compiledOrThrow(mesh), compiledOrThrow(healthyIntent(SPOKES)));
    expect(toHub.some(({ change }) => change === 'removed')).toBe(true);
    const external = externalIntent();
    const [peer] = external.externalPeers ?? [];
    const ends = changedTunnels(undefined, compiledOrThrow(external)).flatMap((tunnel) => tunnel.ends);
    expect(ends).toContain(peer?.id);
  });
});
