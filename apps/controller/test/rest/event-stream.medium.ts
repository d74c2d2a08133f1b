import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { STREAMS_OF_A_USER } from '../../src/modules/events/event-streams.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD, TestController } from '../support/test-controller.js';
import { Api, cookieOf, logIn, makeTopology, problemOf, rule } from './support/api.js';
import { EventReader } from './support/event-reader.js';
import { makeTenant, makeToken, Person } from './support/people.js';

let api: Api;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const open: EventReader[] = [];
beforeAll(async () => {
  directory = await temporaryDirectory('event-stream');
  api = await Api.start({ WEFT_DATA_DIR: directory.path });
});
afterAll(async () => {
  await api?.stop();
  await directory?.remove();
});
afterEach(() => {
  for (const reader of open.splice(0)) reader.close();
});

async function stream(
  { query = '', tenantId = api.tenantId, url = api.controller.url, lastEventId = '' } = {},
  headers: Record<string, string> = { cookie: api.cookie },
): Promise<EventReader> {
  const reader = await EventReader.open(`${url}/api/v1/tenants/${tenantId}/events/stream${query}`, {
    ...headers,
    ...(lastEventId !== '' && { 'last-event-id': lastEventId }),
  });
  open.push(reader);
  return reader;
}

/** On the same database. */
function anotherController(): Promise<TestController> {
  return TestController.start({ databaseUrl: api.databaseUrl, dataDirectory: directory.path });
}

let number = 0;
/** Something happens at an edge. */
async function happen(detail: string, tenantId = api.tenantId): Promise<void> {
  number += 1;
  await api.controller.sql`
    insert into edge_events (tenant_id, edge_id, boot_id, number, kind, occurred_at, detail, count)
    values (${tenantId}, ${randomUUID()}, 'boot', ${number}, 'tunnel_down', '2030-01-02T03:04:05Z', ${detail}, 7)`;
}

const details = (events: Awaited<ReturnType<EventReader['take']>>) => events.map(({ data }) => data.detail);
const ended = async (reader: EventReader) => {
  const last = await reader.next();
  expect(await reader.next()).toBeUndefined();
  return last;
};

describe('the event stream of a tenant', () => {
  it('tells what happens as it happens, in the words of the document', async () => {
    const reader = await stream();
    await happen('first');
    const [event] = await reader.take(1);
    expect(event).toEqual({
      name: 'message',
      id: reader.lastEventId,
      data: {
        id: reader.lastEventId,
        type: 'edge.tunnel_down',
        occurredAt: '2030-01-02T03:04:05.000Z',
        recordedAt: expect.stringMatching(/^20\d\d-.*Z$/),
        edgeId: expect.any(String),
        edgeName: null,
        tunnelId: null,
        revision: null,
        actor: null,
        cause: null,
        detail: 'first',
        count: 7,
      },
    });
  });

  it('goes on where it was, whoever was away', async () => {
    const reader = await stream();
    const before = reader.lastEventId;
    await happen('seen');
    await reader.take(1);
    const { lastEventId } = reader;
    reader.close();
    await happen('missed');
    const again = await stream({ lastEventId });
    await happen('comes');
    expect(details(await again.take(2))).toEqual(['missed', 'comes']);
    // Who cannot set a header says it in the query; the header, which browsers set later, goes before.
    const asked = await stream({ query: `?after=${before}` });
    expect(details(await asked.take(3))).toEqual(['seen', 'missed', 'comes']);
    const both = await stream({ query: `?after=${before}`, lastEventId });
    expect(details(await both.take(2))).toEqual(['missed', 'comes']);
  });

  it('says so when it cannot go on where it was', async () => {
    const tenantId = await makeTenant(api, 'with gaps');
    const reader = await stream({ tenantId });
    const [journal] = reader.lastEventId.split('-');
    for (const detail of ['1', '2', '3', '4']) await happen(detail, tenantId);
    await reader.take(4);
    await api.controller.sql`delete from fabric_events where tenant_id = ${tenantId} and sequence <= 2`;
    const gap = async (lastEventId: string, count: number) => {
      const events = await (await stream({ tenantId, lastEventId })).take(count);
      return events.map(({ name, id, data }) => [name, id, data.detail ?? data]);
    };
    expect(await gap(`${journal}-0`, 3)).toEqual([
      ['gap', `${journal}-2`, { reason: 'no_longer_kept', missed: 2 }],
      ['message', `${journal}-3`, '3'],
      ['message', `${journal}-4`, '4'],
    ]);
    expect(await gap(`${journal}-99`, 1)).toEqual([
      ['gap', `${journal}-4`, { reason: 'unknown_position', missed: null }],
    ]);
    expect((await gap('ffffffff-3', 3)).map(([name, , data]) => [name, data])).toEqual([
      ['gap', { reason: 'other_journal', missed: null }],
      ['gap', { reason: 'no_longer_kept', missed: 2 }],
      ['message', '3'],
    ]);
  });

  it('tells of revisions, of whichever controller of the database published them, and of no other tenant', async () => {
    const other = await anotherController();
    try {
      const { berlin, tokyo } = await makeTopology(api);
      await api.make('/policies', { name: 'p', rules: [rule('r', berlin.id, tokyo.id)] });
      const elsewhere = await makeTenant(api, 'elsewhere');
      const [here, there, strange] = [
        await stream(),
        await stream({ url: other.url }, { cookie: cookieOf(await logIn(other.url, 'admin', TEST_ADMIN_PASSWORD)) }),
        await stream({ tenantId: elsewhere }),
      ];
      await api.make('/revisions', { comment: 'the first one' });
      for (const reader of [here, there]) {
        const [event] = await reader.take(1);
        expect(event?.data).toMatchObject({
          type: 'revision.published',
          revision: 1,
          actor: 'admin',
          cause: null,
          detail: 'the first one',
        });
      }
      await happen('at home', elsewhere);
      expect(details(await strange.take(1))).toEqual(['at home']);
    } finally {
      await other.stop();
    }
  });

  it('tells of nothing that was only tried', async () => {
    const reader = await stream();
    const response = await api.send('POST', '/revisions?dryRun=true', { comment: 'tried' });
    expect(response.status).toBeLessThan(500);
    await happen('done');
    expect(details(await reader.take(1))).toEqual(['done']);
  });

  it('ends when the controller does, and says that it may be back', async () => {
    const other = await anotherController();
    const cookie = cookieOf(await logIn(other.url, 'admin', TEST_ADMIN_PASSWORD));
    const reader = await stream({ url: other.url }, { cookie });
    const stopped = other.stop();
    expect(await ended(reader)).toMatchObject({ name: 'end', data: { reason: 'shutting_down' } });
    await stopped;
  });
});

describe('whoever may not ask any more hears no more', () => {
  const people = async () => {
    const tenantId = await makeTenant(api, `tenant ${randomUUID()}`);
    const person = await Person.make(api, tenantId, { name: `user-${randomUUID()}`, role: 'viewer' });
    return { tenantId, person, headers: { cookie: person.cookie } };
  };

  it('after logging out', async () => {
    const { tenantId, person, headers } = await people();
    const [reader, mine] = [await stream({ tenantId }, headers), await stream({ tenantId })];
    expect((await person.fetch('DELETE', '/api/v1/session')).status).toBe(204);
    expect(await ended(reader)).toMatchObject({ name: 'end', data: { reason: 'login_required' } });
    await happen('afterwards', tenantId);
    expect(details(await mine.take(1))).toEqual(['afterwards']);
  });

  it('when the user is removed', async () => {
    const { tenantId, person, headers } = await people();
    const reader = await stream({ tenantId }, headers);
    expect((await api.fetch(`/api/v1/tenants/${tenantId}/users/${person.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await ended(reader)).toMatchObject({ name: 'end', data: { reason: 'login_required' } });
  });

  it('when the token is revoked', async () => {
    const tenantId = await makeTenant(api, `tenant ${randomUUID()}`);
    const { id, token } = await makeToken(api, tenantId, { name: 'listener', role: 'viewer' });
    const reader = await stream({ tenantId }, { authorization: `Bearer ${token}` });
    await happen('before', tenantId);
    expect(details(await reader.take(1))).toEqual(['before']);
    expect((await api.fetch(`/api/v1/tenants/${tenantId}/api-tokens/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await ended(reader)).toMatchObject({ name: 'end', data: { reason: 'invalid_token' } });
  });

  it('when the role goes that let them into the tenant', async () => {
    const person = await Person.make(api, api.tenantId, {
      name: `user-${randomUUID()}`,
      role: 'viewer',
      providerRole: 'viewer',
    });
    const tenantId = await makeTenant(api, `tenant ${randomUUID()}`);
    const [reader, own] = [
      await stream({ tenantId }, { cookie: person.cookie }),
      await stream({}, { cookie: person.cookie }),
    ];
    await api.controller.sql`update users set provider_role = null where id = ${person.id}`;
    expect(await ended(reader)).toMatchObject({ name: 'end', data: { reason: 'unknown_tenant' } });
    await happen('at home');
    expect(details(await own.take(1))).toEqual(['at home']);
  });
});

describe('what is no event stream', () => {
  it('is refused in the words of every other operation', async () => {
    const path = api.path('/events/stream');
    const outcome = async (rest: string, headers: Record<string, string> = {}) => {
      const problem = await problemOf(await api.fetch(`${path}${rest}`, { headers }));
      return [problem.status, problem.type];
    };
    expect(await outcome('?after=4711')).toEqual([422, 'urn:weft:problem:invalid_request']);
    expect(await outcome('?before=ffffffff-1')).toEqual([422, 'urn:weft:problem:invalid_request']);
    expect(await outcome('', { 'last-event-id': '4711' })).toEqual([422, 'urn:weft:problem:last_event_id_format']);
    expect(await outcome('', { cookie: 'weft_session=none' })).toEqual([401, 'urn:weft:problem:login_required']);
    const stranger = await api.fetch(`/api/v1/tenants/${randomUUID()}/events/stream`);
    expect((await problemOf(stranger)).status).toBe(404);
  });

  it('has no body when only the head is asked for', async () => {
    const response = await api.fetch(api.path('/events/stream'), { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(await response.text()).toBe('');
  });

  it('is one too many: a user may have ten', async () => {
    const tenantId = await makeTenant(api, `tenant ${randomUUID()}`);
    const person = await Person.make(api, tenantId, { name: `user-${randomUUID()}`, role: 'viewer' });
    const headers = { cookie: person.cookie };
    const readers: EventReader[] = [];
    while (readers.length < STREAMS_OF_A_USER) readers.push(await stream({ tenantId }, headers));
    const refused = await person.fetch('GET', `/api/v1/tenants/${tenantId}/events/stream`);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await problemOf(refused)).toMatchObject({ status: 429, type: 'urn:weft:problem:too_many_streams' });
    // Others may have theirs.
    await stream({ tenantId });
  });
});
