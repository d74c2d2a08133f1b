import type { Draft, Edge, PublishResult } from '@weft/contracts/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/patience.js';
import { Api, makeTopology, rule } from './support/api.js';

let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
let second: Edge;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  second = await api.make<Edge>('/edges', { siteId: made.tokyo.id, name: 'tokyo-2', underlayAddress: '203.0.113.9' });
});
afterAll(() => api.stop());

const read = async <T>(path: string) => (await (await api.fetch(api.path(path))).json()) as T;
const publish = async (path = '/revisions', headers: Record<string, string> = {}) => {
  const answer = await api.send('POST', path, {}, headers);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  const { affectedEdges } = (await answer.json()) as PublishResult;
  return affectedEdges.map(({ edgeName, change }) => [edgeName, change]);
};
const prefer = (edge: { readonly id: string }, preference: number) =>
  api.send('PATCH', `/edges/${edge.id}`, { preference });
const preferences = async () =>
  (await read<{ items: Edge[] }>('/edges')).items
    .filter(({ siteId }) => siteId === made.tokyo.id)
    .map(({ name, preference }) => [name, preference]);

// In order: each step goes on from the one before it.
describe('a site with two edges', () => {
  it('is proven and published, and both have tunnels with the other site', async () => {
    expect(await preferences()).toEqual([
      ['tokyo-1', 1],
      ['tokyo-2', 2],
    ]);
    const { findings, blastRadius } = await read<Draft>('/revisions/draft');
    expect(findings).toEqual([]);
    expect(blastRadius).toMatchObject({ edges: 3, tunnelsAdded: 2 });
    expect(await publish()).toEqual([
      ['berlin-1', 'added'],
      ['tokyo-1', 'added'],
      ['tokyo-2', 'added'],
    ]);
    await eventually(async () => {
      expect((await read<Edge>(`/edges/${second.id}`)).live.desired).toMatchObject({ revision: 1 });
    });
  });

  it('has its edges change places, of which those alone are told that send there', async () => {
    for (const [edge, preference] of [
      [made.tokyoEdge, 3],
      [second, 1],
    ] as const) {
      expect((await prefer(edge, preference)).status).toBe(200);
    }
    expect(await publish()).toEqual([['berlin-1', 'changed']]);
  });

  it('has them where they were when an earlier revision comes back', async () => {
    const tag = (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
    expect(await publish('/revisions/1/restoration', { 'if-match': tag })).toEqual([['berlin-1', 'changed']]);
    expect(await preferences()).toEqual([
      ['tokyo-1', 1],
      ['tokyo-2', 2],
    ]);
  });
});
