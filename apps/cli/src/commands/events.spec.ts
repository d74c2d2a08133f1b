import { Readable } from 'node:stream';
import type { EdgeEvent, WeftClient } from '@weft/contracts/rest';
import { describe, expect, it } from 'vitest';
import { listEvents } from './events.js';

const event = (id: number, change: Partial<EdgeEvent> = {}): EdgeEvent => ({
  id: String(id),
  edgeId: 'e',
  edgeName: 'berlin-1',
  kind: 'tunnel_up',
  occurredAt: `2026-03-14T09:26:5${id}.000Z`,
  receivedAt: '',
  tunnelId: null,
  cause: null,
  detail: null,
  count: null,
  ...change,
});

/** A controller with events 5 to 1, that gives as many at a time as it is asked for and at most two. */
function connection() {
  const asked: (string | undefined)[] = [];
  const failed = event(4, {
    edgeName: null,
    kind: 'ike_failed',
    cause: 'no_proposal_chosen',
    detail: 'it\x1b',
    count: 3,
  });
  const all = [event(5), failed, event(3), event(2), event(1)];
  const GET = async (_: string, { params }: { params: { query: { before?: string; limit: number } } }) => {
    const { before, limit } = params.query;
    asked.push(before);
    const left = all.filter(({ id }) => before === undefined || Number(id) < Number(before));
    const items = left.slice(0, Math.min(limit, 2));
    return { data: { items, next: left.length > items.length ? items.at(-1)?.id : null }, response: new Response() };
  };
  return { asked, connection: { client: { GET } as unknown as WeftClient, tenantId: 't' } };
}

async function listed(options: { json: boolean; limit: number }) {
  const { asked, connection: to } = connection();
  let out = '';
  const io = {
    environment: {},
    input: Readable.from([]),
    write: (text: string) => {
      out += text;
    },
    notes: { write: () => undefined },
  };
  expect(await listEvents(io, to, options)).toBe(0);
  return { asked, out };
}

describe('weft events', () => {
  it('lists the newest first, no more than are wanted, and asks for no more than it takes', async () => {
    const { asked, out } = await listed({ json: true, limit: 3 });
    expect(JSON.parse(out).items.map(({ id }: EdgeEvent) => id)).toEqual(['5', '4', '3']);
    expect(asked).toEqual([undefined, '4']);
  });

  it('lists all that there are when there are fewer', async () => {
    const { asked, out } = await listed({ json: true, limit: 100 });
    expect(JSON.parse(out).items).toHaveLength(5);
    expect(asked).toEqual([undefined, '4', '2']);
  });

  it('says in a row what each is about, with nothing that moves the cursor of a terminal', async () => {
    const { out } = await listed({ json: false, limit: 2 });
    expect(out.trimEnd().split('\n')).toEqual([
      'ID  OCCURRED                  EDGE      KIND        ABOUT',
      '5   2026-03-14T09:26:55.000Z  berlin-1  tunnel_up',
      '4   2026-03-14T09:26:54.000Z  -         ike_failed  no_proposal_chosen  it\\u{1b}  (3)',
    ]);
  });
});
