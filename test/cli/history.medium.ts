import { createWeftClient } from '@weft/contracts/rest';
import { TEST_ADMIN_PASSWORD, TestController, TestPostgres } from '@weft/controller/test-controller';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeToken } from './support/make-token.js';
import { weft } from './support/weft.js';

/** The command line, as processes, against a real controller on Postgres: what was, what holds, and what happens. */
let postgres: TestPostgres;
let controller: TestController;
let token: string;
let tenantId: string;

beforeAll(async () => {
  postgres = await TestPostgres.start();
  controller = await TestController.start({ databaseUrl: await postgres.createDatabase() });
  ({ token, tenantId } = await makeToken(controller.url, TEST_ADMIN_PASSWORD));
});
afterAll(async () => {
  await controller.stop();
  await postgres.remove();
});

const run = (...args: string[]) => weft(args, { WEFT_CLI_CONTROLLER: controller.url, WEFT_CLI_TOKEN: token });
const matching = (pattern: RegExp) => expect.stringMatching(pattern);

it('lists revisions, puts one in force again, tests the draft, replays events and writes the audit log', async () => {
  const client = createWeftClient({ baseUrl: controller.url, headers: { authorization: `Bearer ${token}` } });
  for (const name of ['berlin', 'tokyo']) {
    await client.POST('/api/v1/tenants/{tenantId}/sites', { params: { path: { tenantId } }, body: { name } });
    expect(await run('publish', '--comment', name)).toMatchObject({ code: 0 });
  }
  expect(await run('revisions', '--limit', '1')).toMatchObject({ code: 0, out: matching(/^NUMBER .*\n2 .* tokyo\n$/) });
  expect(await run('get', 'revisions', '1')).toMatchObject({ code: 0, out: matching(/^ID .*\n1 .* berlin\n$/) });
  expect(JSON.parse((await run('get', 'tenants', '--json')).out).items).toMatchObject([{ id: tenantId }]);
  expect(await run('restore', '1', '--dry-run')).toMatchObject({ code: 0, out: matching(/^it could be published\n/) });
  expect(await run('restore', '1', '--comment', 'back')).toMatchObject({
    code: 0,
    out: matching(/^revision 3 is in force\n/),
  });
  expect(JSON.parse((await run('get', 'sites', '--json')).out).items).toMatchObject([{ name: 'berlin' }]);
  expect(await run('test')).toMatchObject({ code: 0, out: 'the draft passes its proof and 0 tests\n' });
  await client.POST('/api/v1/tenants/{tenantId}/policy-tests', {
    params: { path: { tenantId } },
    body: {
      name: 'a test that fails',
      sources: [{ kind: 'prefix', prefix: '10.1.0.0/16' }],
      destinations: [{ kind: 'prefix', prefix: '10.2.0.0/16' }],
      services: [{ protocol: 'any', ports: [] }],
      expect: 'allowed',
    },
  });
  expect(await run('test')).toMatchObject({ code: 1, out: matching(/\nFAILED +a test that fails\n/), notes: '' });

  const audit = await run('audit', 'export', '--action', 'revision_published');
  expect(audit.code).toBe(0);
  expect(
    audit.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).action),
  ).toEqual(
    audit.out
      .trimEnd()
      .split('\n')
      .map(() => 'revision_published'),
  );

  expect(await run('events')).toEqual({ code: 0, out: 'ID  OCCURRED  EDGE  KIND  ABOUT\n', notes: '' });
  const [journal] = JSON.parse(
    (await run('events', '--follow', '--after', '00000000-0', '--count', '1', '--json')).out,
  ).id.split('-');
  const followed = await run('events', '--follow', '--after', `${journal}-0`, '--count', '4', '--json');
  expect(followed).toMatchObject({ code: 0, notes: '' });
  const published = followed.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  expect(published).toContain('revision.published');
});
