import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPool } from '../../src/platform/database/connection-options.js';
import { KEPT_NUMBER } from '../../src/platform/http/writes/kept-answers.repository.js';
import { eventually } from '../support/patience.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD, TestController } from '../support/test-controller.js';
import { Api, cookieOf, logIn, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let data: Awaited<ReturnType<typeof temporaryDirectory>>;
let observer: postgres.Sql;
let key: string;
beforeAll(async () => {
  data = await temporaryDirectory('data');
  api = await Api.start({ WEFT_DATA_DIR: data.path });
  observer = openPool({ url: api.databaseUrl }, 3) as unknown as postgres.Sql;
});
afterAll(async () => {
  await observer.end();
  await api.stop();
  await data.remove();
});
beforeEach(() => {
  key = `"${randomUUID()}"`;
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  api.send('POST', path, body, { 'idempotency-key': key, ...headers });

async function siteNames(): Promise<string[]> {
  const { items } = (await (await api.fetch(api.path('/sites'))).json()) as { items: { name: string }[] };
  return items.map(({ name }) => name);
}

describe('a POST with an Idempotency-Key', () => {
  it('is carried out once and answered again as it was', async () => {
    const first = await post('/sites', { name: 'once', description: 'é' });
    const again = await post('/sites', { description: 'é', name: 'once' }, { 'content-type': 'application/json' });
    expect(first.status).toBe(201);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    // The members of an object in another order are another text; the same text is the same request.
    expect((await problemOf(again)).type).toBe('urn:weft:problem:idempotency_key_reused');
    const replayed = await post('/sites', { name: 'once', description: 'é' });
    expect(replayed.status).toBe(201);
    expect(replayed.headers.get('idempotency-replayed')).toBe('true');
    expect(await replayed.text()).toBe(await first.text());
    expect((await siteNames()).filter((name) => name === 'once')).toHaveLength(1);
  });

  it('is answered with its ETag, also when the resource has changed since', async () => {
    const body = { name: 'tagged', rules: [] };
    const first = await post('/policies', body);
    const { id } = (await first.clone().json()) as { id: string };
    await api.send('PUT', `/policies/${id}`, { ...body, description: 'changed' }, { 'if-match': '"1"' });
    const replayed = await post('/policies', body);
    expect(replayed.headers.get('etag')).toBe('"1"');
    expect(await replayed.text()).toBe(await first.text());
  });

  it('refuses another request with the key: body, path or If-Match', async () => {
    await post('/sites', { name: 'mine' });
    const others = [
      () => post('/sites', { name: 'other' }),
      () => post('/policies', { name: 'mine', rules: [] }),
      () => post('/sites', { name: 'mine' }, { 'if-match': '"1"' }),
    ];
    for (const other of others) {
      expect(await problemOf(await other())).toMatchObject({
        status: 422,
        type: 'urn:weft:problem:idempotency_key_reused',
      });
    }
    expect(await siteNames()).not.toContain('other');
  });

  it('that was refused has changed nothing and may be sent again', async () => {
    expect((await problemOf(await post('/sites', { name: 'blocked', colour: 1 }))).status).toBe(422);
    const blocker = await api.make('/sites', { name: 'blocked' });
    expect((await problemOf(await post('/sites', { name: 'blocked' }))).status).toBe(409);
    await api.fetch(api.path(`/sites/${blocker.id}`), { method: 'DELETE' });
    expect((await post('/sites', { name: 'blocked' })).status).toBe(201);
  });

  it.each(['short', '"with space in the key"', `"${'x'.repeat(129)}"`])('refuses the key %s', async (malformed) => {
    const problem = await problemOf(await post('/sites', { name: 'x' }, { 'idempotency-key': malformed }));
    expect(problem).toMatchObject({ status: 400, type: 'urn:weft:problem:malformed_idempotency_key' });
  });

  it('has a key of its own for each tenant and user', async () => {
    const first = (await (await post('/sites', { name: 'here' })).json()) as { id: string };
    const { id: tenantId } = (await (
      await api.fetch('/api/v1/tenants', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'elsewhere' }),
      })
    ).json()) as { id: string };
    await observer`
      insert into users (id, tenant_id, name, password_hash, role)
      select ${randomUUID()}, tenant_id, 'colleague', password_hash, 'admin' from users where name = 'admin'`;
    const there = await api.fetch(`/api/v1/tenants/${tenantId}/sites`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ name: 'here' }),
    });
    expect(there.status).toBe(201);
    expect(((await there.json()) as { id: string }).id).not.toBe(first.id);
    const cookie = cookieOf(await logIn(api.controller.url, 'colleague', TEST_ADMIN_PASSWORD));
    const colleague = await post('/sites', { name: 'of a colleague' }, { cookie });
    expect([201, 403]).toContain(colleague.status);
    expect(await problemOf(await post('/sites', { name: 'of a colleague' }))).toMatchObject({ status: 422 });
  });

  it('is refused while the first is being carried out, and replayed when that has ended', async () => {
    const connection = await observer.reserve();
    await connection`begin`;
    await connection`lock table sites in access exclusive mode`;
    const first = post('/sites', { name: 'slow' });
    await eventually(async () => {
      const waiting = await connection`
        select from pg_locks where not granted and relation = 'sites'::regclass`;
      expect(waiting).toHaveLength(1);
    });
    const concurrent = await post('/sites', { name: 'slow' });
    expect(concurrent.headers.get('retry-after')).toBe('1');
    expect(await problemOf(concurrent)).toMatchObject({
      status: 409,
      type: 'urn:weft:problem:idempotency_key_in_use',
    });
    await connection`rollback`;
    connection.release();
    expect((await first).status).toBe(201);
    const replayed = await post('/sites', { name: 'slow' });
    expect(await replayed.text()).toBe(await (await first).text());
  });

  it('by two controllers at once happens once', async () => {
    const other = await TestController.start({ databaseUrl: api.databaseUrl, dataDirectory: data.path });
    try {
      const cookie = cookieOf(await logIn(other.url, 'admin', TEST_ADMIN_PASSWORD));
      const urls = [api.controller.url, other.url, api.controller.url, other.url];
      const answers = await Promise.all(
        urls.map((url) =>
          fetch(`${url}${api.path('/sites')}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'idempotency-key': key, cookie: `${cookie}` },
            body: JSON.stringify({ name: 'raced' }),
          }),
        ),
      );
      for (const { status } of answers) expect([201, 409]).toContain(status);
      const bodies = await Promise.all(answers.filter(({ ok }) => ok).map((answer) => answer.text()));
      expect(new Set(bodies).size).toBe(1);
      expect((await siteNames()).filter((name) => name === 'raced')).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });

  it('whose answer was lost with the database is either there with its key or not at all', async () => {
    const connection = await observer.reserve();
    await connection`begin`;
    // The effect is written, the key waits: the transaction is cut between the two.
    await connection`lock table idempotency_keys in share mode`;
    const cut = post('/sites', { name: 'cut' });
    await eventually(async () => {
      const waiting = await connection`
        select pid from pg_locks where not granted and relation = 'idempotency_keys'::regclass`;
      expect(waiting).toHaveLength(1);
    });
    await connection`
      select pg_terminate_backend(pid) from pg_locks where not granted and relation = 'idempotency_keys'::regclass`;
    expect((await problemOf(await cut)).type).toBe('urn:weft:problem:database_unavailable');
    await connection`rollback`;
    connection.release();
    expect(await siteNames()).not.toContain('cut');
    expect((await post('/sites', { name: 'cut' })).status).toBe(201);
  });

  it('keeps a secret that is shown once nowhere, and says so the second time', async () => {
    const { berlinEdge } = await makeTopology(api);
    const ask = () => post(`/edges/${berlinEdge.id}/enrollment-tokens`, undefined);
    const first = await ask();
    const { token } = (await first.json()) as { token: string };
    expect(first.status).toBe(201);
    expect(await problemOf(await ask())).toMatchObject({ status: 409, type: 'urn:weft:problem:answer_not_kept' });
    const [kept] = await observer`select answer from idempotency_keys order by created_at desc limit 1`;
    expect(kept).toEqual({ answer: null });
    const rows = await observer`select row_to_json(k)::text as text from idempotency_keys k`;
    expect(JSON.stringify(rows)).not.toContain(token.split('.')[2]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(1, -1));
  });

  it('publishes once', async () => {
    const [berlin, tokyo] = (
      (await (await api.fetch(api.path('/sites'))).json()) as { items: { id: string; name: string }[] }
    ).items.filter(({ name }) => name === 'berlin' || name === 'tokyo');
    await api.make('/policies', { name: 'joined', rules: [rule('r', berlin?.id ?? '', tokyo?.id ?? '')] });
    const [first, second] = [await post('/revisions', {}), await post('/revisions', {})];
    expect(first.status).toBe(200);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await second.text()).toBe(await first.text());
    const { items } = (await (await api.fetch(api.path('/revisions'))).json()) as { items: unknown[] };
    expect(items).toHaveLength(1);
  });

  it('is forgotten after a day, and when a thousand newer ones are kept', async () => {
    await post('/sites', { name: 'aged' });
    const owner = await observer`select tenant_id, user_id from idempotency_keys order by created_at desc limit 1`;
    await observer`update idempotency_keys set created_at = now() - interval '25 hours'`;
    expect((await problemOf(await post('/sites', { name: 'aged' }))).type).toBe('urn:weft:problem:name_taken');
    await observer`
      insert into idempotency_keys (tenant_id, user_id, key_hash, fingerprint, created_at)
      select ${owner[0]?.['tenantId']}, ${owner[0]?.['userId']}, sha256(n::text::bytea), sha256(n::text::bytea),
        now() - n * interval '1 second'
      from generate_series(1, ${KEPT_NUMBER + 5}) as n`;
    expect((await post('/sites', { name: 'newest' })).status).toBe(201);
    const [count] = await observer`
      select count(*)::integer as count from idempotency_keys where user_id = ${owner[0]?.['userId']}
        and tenant_id = ${owner[0]?.['tenantId']}`;
    expect(count).toEqual({ count: KEPT_NUMBER });
    expect((await post('/sites', { name: 'newest' })).headers.get('idempotency-replayed')).toBe('true');
  });
});
