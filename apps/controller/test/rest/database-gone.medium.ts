import type { Policy } from '@weft/contracts/rest';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool } from '../../src/platform/database/connection-options.js';
import { eventually } from '../support/patience.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
beforeAll(async () => {
  api = await Api.start();
});
afterAll(() => api.stop());

describe('when Postgres goes away', () => {
  it('in the middle of a transaction, nothing of it is there afterwards, and every answer is honest', async () => {
    const made = await makeTopology(api);
    const before = await api.make<Policy>('/policies', {
      name: 'p',
      rules: [rule('r', made.berlin.id, made.tokyo.id)],
    });

    // The last table that a replacement writes is locked by somebody else: the replacement stands still before its end.
    const blocker = openPool({ url: api.databaseUrl }, 2);
    const connection = await blocker.reserve();
    await connection`begin`;
    await connection`lock table rule_services in access exclusive mode`;
    const body = { name: 'q', rules: [rule('other', made.tokyo.id, made.berlin.id)] };
    const replacement = api.send('PUT', `/policies/${before.id}`, body, { 'if-match': '"1"' });
    await eventually(async () => {
      const waiting = await blocker`select from pg_locks where not granted and relation = 'rule_services'::regclass`;
      expect(waiting).toHaveLength(1);
    });
    await api.postgres.stop();
    await blocker.end({ timeout: 0 }).catch((error: unknown) => expect(error).toBeInstanceOf(postgres.PostgresError));

    const refused = await replacement;
    expect(refused.headers.get('retry-after')).toBe('2');
    expect((await problemOf(refused)).type).toBe('urn:weft:problem:database_unavailable');

    const ready = await fetch(`${api.controller.url}/readyz`);
    expect((await problemOf(ready)).status).toBe(503);
    expect((await fetch(`${api.controller.url}/healthz`)).status).toBe(200);
    const read = await problemOf(await api.fetch(api.path('/policies')));
    expect(JSON.stringify(read)).not.toMatch(/ECONN|ENOENT|socket/);

    await api.postgres.restart();
    await eventually(async () => expect((await fetch(`${api.controller.url}/readyz`)).status).toBe(200));
    const after = await api.fetch(api.path(`/policies/${before.id}`));
    expect(await after.json()).toEqual(before);
  });
});
