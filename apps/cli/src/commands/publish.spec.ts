import { createWeftClient } from '@weft/contracts/rest';
import { describe, expect, it } from 'vitest';
import { publishDraft } from './publish.js';

/** A controller that has this draft and answers a publication with this. */
function controller(draft: object, status: number, answer: object) {
  const asked: { query: string; ifMatch: string | null; body: unknown }[] = [];
  const json = (code: number, body: object) =>
    new Response(JSON.stringify(body), { status: code, headers: { 'content-type': 'application/json' } });
  const fetch = async (request: Request) => {
    if (request.method === 'GET')
      return json(200, { version: 'v7', findings: [], affectedEdges: [], blastRadius: BLAST, ...draft });
    const query = new URL(request.url).search;
    asked.push({ query, ifMatch: request.headers.get('if-match'), body: await request.json() });
    return json(status, answer);
  };
  let out = '';
  const io = {
    environment: {},
    input: [] as unknown as AsyncIterable<string>,
    write: (text: string) => {
      out += text;
    },
    notes: { write: () => undefined },
  };
  const connection = { client: createWeftClient({ baseUrl: 'http://x', fetch }), tenantId: 'id' };
  return { asked, said: () => out, run: (options: object) => publishDraft(io, connection, { ...OPTIONS, ...options }) };
}

const OPTIONS = { json: false, dryRun: false, comment: undefined, overrideReason: undefined, agreeToRemovals: false };
const BLAST = { edges: 2 };
const PUBLISHED = { dryRun: false, revision: { number: 4 }, findings: [], affectedEdges: [], blastRadius: BLAST };

describe('weft publish', () => {
  it('publishes the draft that it has read, and nothing that is in force already', async () => {
    const changed = controller({ changed: true, baseRevision: 3 }, 200, PUBLISHED);
    expect(await changed.run({ comment: 'why' })).toBe(0);
    expect(changed.asked).toEqual([
      { query: '?dryRun=false', ifMatch: '"v7"', body: { comment: 'why', agreeToRemovals: false } },
    ]);
    expect(changed.said()).toBe('revision 4 is in force\nedges 2\n');
    const unchanged = controller({ changed: false, baseRevision: 3 }, 200, PUBLISHED);
    expect(await unchanged.run({})).toBe(0);
    expect(unchanged.asked).toEqual([]);
    expect(unchanged.said()).toBe('nothing to publish: the draft is what revision 3 says\n');
  });

  it('tries without a number, and a trial is refused as the publication would be', async () => {
    const tried = controller({ changed: true, baseRevision: 3 }, 200, PUBLISHED);
    expect(await tried.run({ dryRun: true, json: true })).toBe(0);
    expect(tried.asked).toMatchObject([{ query: '?dryRun=true' }]);
    expect(JSON.parse(tried.said())).toEqual({ ...PUBLISHED, dryRun: true, revision: null });
    const problem = { type: 'urn:weft:problem:proof_failed', title: 't', status: 422, detail: 'd', errors: [] };
    const refused = controller({ changed: true, baseRevision: 3 }, 422, problem);
    await expect(refused.run({ dryRun: true })).rejects.toMatchObject({ reason: 'proof_failed', exitCode: 1 });
  });

  it('overrides a proof with the reason alone that was given', async () => {
    const overridden = controller({ changed: true, baseRevision: null }, 200, PUBLISHED);
    await overridden.run({ overrideReason: 'seen by two', agreeToRemovals: true });
    expect(overridden.asked).toMatchObject([{ body: { override: { reason: 'seen by two' }, agreeToRemovals: true } }]);
  });
});
