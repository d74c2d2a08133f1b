import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../src/openapi/document.js';
import { openPool } from '../../src/platform/database/connection-options.js';
import { Problem } from '../../src/platform/http/schemas.js';
import { TEST_ADMIN_PASSWORD } from '../support/test-controller.js';
import { Api, cookieOf, logIn, makeTopology, rule } from './support/api.js';
import { HOSTILE_TEXT, type Schema, SchemaArbitraries } from './support/openapi-arbitraries.js';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

/** The same requests with the same seed; WEFT_SEED asks for others. */
const SEED = Number(process.env['WEFT_SEED'] ?? 20_261);
/** More than enough on a machine with nothing else to do, where all of them together take about half a minute. */
const REQUESTS = Number(process.env['WEFT_REQUESTS'] ?? 60);
/** For one operation on a machine that has. */
const LIMIT_MILLISECONDS = 3_000;
/** Stands in everything that people can name in the tenant that is nobody's business. */
const CANARY = `canary${randomUUID().replaceAll('-', '')}`;
/** End the session that the requests need. */
const ENDS_SESSION: ReadonlySet<string> = new Set(['deleteSession', 'changePassword']);

const EVENT_STREAM = 'text/event-stream';

const document = JSON.parse(await openApiText()) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};
const operations = Object.entries(document.paths)
  .flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })))
  .filter(({ operation }) => !ENDS_SESSION.has(operation.operationId));

let api: Api;
let observer: postgres.Sql;
/** Of the user who asks, in a tenant of their own. */
let cookie: string;
let tenantId: string;
/** Of the other tenant. */
let secrets: string[];
/** Of ours, as far as they have not been removed. */
let own: string[];

beforeAll(async () => {
  api = await Api.start();
  observer = openPool({ url: api.databaseUrl }, 1) as unknown as postgres.Sql;
  secrets = await fillCanaryTenant();
  tenantId = randomUUID();
  await makeMember(tenantId);
  cookie = cookieOf(await logIn(api.controller.url, 'member', TEST_ADMIN_PASSWORD));
  own = await fillOwnTenant();
});
afterAll(async () => {
  await observer.end();
  await api.stop();
});

describe(`whatever is asked, by a user of one tenant (WEFT_SEED=${SEED})`, () => {
  it.each(operations.map(({ operation, ...rest }) => ({ ...rest, operation, operationId: operation.operationId })))(
    '$operationId answers in the words of the document, and with nothing of another tenant',
    async ({ path, method, operation }) => {
      const before = await canaryTenant();
      await fc.assert(
        fc.asyncProperty(requestOf(path, method, operation), async (request) => {
          const response = await fetch(`${api.controller.url}${request.url}`, request.init);
          const text = await textOf(response, operation);
          const about = `${method} ${request.url} ${JSON.stringify(request.init.body ?? '')}: ${response.status} ${text}`;
          expect(response.status, about).toBeLessThan(500);
          if (response.ok) expect(Object.keys(operation.responses), about).toContain(String(response.status));
          else expectProblem(response, text, about);
          // What a request says it may be told; what it does not, never.
          expect(text, about).not.toContain(CANARY);
          const asked = `${request.url}${JSON.stringify(request.init.body ?? '')}`;
          for (const id of secrets) if (!asked.includes(id)) expect(text, about).not.toContain(id);
        }),
        {
          seed: SEED,
          numRuns: REQUESTS,
          interruptAfterTimeLimit: LIMIT_MILLISECONDS,
          // A machine that does other things asks fewer; one at least.
          markInterruptAsFailure: false,
        },
      );
      expect(await canaryTenant()).toEqual(before);
    },
  );

  it('still finds its own tenant working', async () => {
    const response = await fetch(`${api.controller.url}/api/v1/tenants/${tenantId}/sites`, { headers: { cookie } });
    expect(response.status).toBe(200);
  });
});

/** A stream has no end: its beginning is enough, as nothing happens there meanwhile. What it is refused with has one. */
async function textOf(response: Response, { responses }: Operation): Promise<string> {
  const stream = responses['200']?.content?.[EVENT_STREAM] !== undefined;
  if (!stream || !response.ok) return response.text();
  expect(response.headers.get('content-type')).toBe(EVENT_STREAM);
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return new TextDecoder().decode(value);
}

function expectProblem(response: Response, text: string, about: string): void {
  expect(response.headers.get('content-type'), about).toBe('application/problem+json; charset=utf-8');
  const problem = Problem.strict().safeParse(JSON.parse(text));
  expect(problem.error, about).toBeUndefined();
  expect(problem.data?.status, about).toBe(response.status);
  expect(problem.data?.requestId, about).toBe(response.headers.get('x-request-id'));
  for (const { pointer, rule: name, detail, fix } of problem.data?.errors ?? []) {
    expect(pointer, about).toMatch(/^(?:\/|\?|$)/);
    for (const words of [name, detail, fix]) expect(words, about).not.toBe('');
  }
}

interface GeneratedRequest {
  readonly url: string;
  readonly init: RequestInit & { readonly body?: string };
}

function requestOf(path: string, method: string, operation: Operation): fc.Arbitrary<GeneratedRequest> {
  const schemas = new SchemaArbitraries(document.components.schemas, identifier());
  const { parameters = [], requestBody } = operation;
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  const body = requestBody?.content['application/json']?.schema;
  return fc
    .record({
      path: fc.record(Object.fromEntries(inPath.map(({ name, schema }) => [name, pathValue(name, schema, schemas)]))),
      query: fc.record(
        Object.fromEntries(inQuery.map(({ name, schema }) => [name, fc.oneof(schemas.valid(schema), HOSTILE_TEXT)])),
        { requiredKeys: [] },
      ),
      stranger: fc.option(fc.dictionary(HOSTILE_TEXT, HOSTILE_TEXT, { maxKeys: 1 }), { freq: 8 }),
      headers: headers(),
      body: body === undefined ? fc.constant(undefined) : bodyText(body, schemas),
    })
    .map((parts) => {
      const query = new URLSearchParams();
      const pairs = Object.entries({ ...parts.stranger, ...parts.query });
      for (const [name, value] of pairs) query.append(name, String(value));
      const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeSegment(String(parts.path[name])));
      return {
        url: query.size === 0 ? target : `${target}?${query}`,
        init: {
          method: method.toUpperCase(),
          headers: {
            ...parts.headers,
            ...(parts.body === undefined ? {} : { 'content-type': 'application/json' }),
            cookie,
          },
          ...(parts.body === undefined ? {} : { body: parts.body }),
        },
      };
    });
}

/** Mostly our own tenant: the other one is refused at the door. */
function pathValue(name: string, schema: Schema, schemas: SchemaArbitraries): fc.Arbitrary<unknown> {
  const here = name === 'tenantId' ? fc.constant(tenantId) : schemas.valid(schema);
  return fc.oneof(
    { weight: 12, arbitrary: here },
    { weight: 1, arbitrary: fc.constantFrom(...secrets) },
    { weight: 1, arbitrary: HOSTILE_TEXT },
  );
}

function identifier(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...own) },
    { weight: 2, arbitrary: fc.constantFrom(...secrets) },
    { weight: 1, arbitrary: fc.uuid() },
  );
}

function bodyText(schema: Schema, schemas: SchemaArbitraries): fc.Arbitrary<string | undefined> {
  const json = (value: unknown) => JSON.stringify(value);
  return fc.oneof(
    { weight: 6, arbitrary: schemas.valid(schema).map(json) },
    { weight: 6, arbitrary: schemas.corrupted(schema).map(json) },
    { weight: 1, arbitrary: HOSTILE_TEXT },
    {
      weight: 1,
      arbitrary: fc.constantFrom('{"__proto__":{"a":1}}', '[', '{"a":1,"a":2}', '[['.repeat(5_000), '1e999'),
    },
  );
}

function headers(): fc.Arbitrary<Record<string, string>> {
  const tag = fc.constantFrom('*', '"1"', '"2"', 'W/"1"', '"0-x"', ',,,', '"', '1', '""');
  const key = fc.constantFrom(
    '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
    '8e03978e-40d5-43e8-bc93-6894a57f9325',
    '"x"',
    '""',
  );
  return fc.record(
    { 'if-match': tag, 'idempotency-key': key, accept: fc.constantFrom('*/*', 'text/html', 'application/json;q=0') },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Record<string, string>>;
}

/** A lone surrogate is no character that a URL can have; dots and nothing would be another path. */
function encodeSegment(text: string): string {
  return /^\.{0,2}$/.test(text) ? '-' : encodeURIComponent(Buffer.from(text).toString());
}

/** Everything of the other tenant, which nobody touches. */
async function canaryTenant(): Promise<unknown> {
  const read = async (rest: string) => (await api.fetch(api.path(rest))).text();
  return [await read('/configuration/export'), await read('/revisions'), await read('/audit-entries')];
}

async function fillCanaryTenant(): Promise<string[]> {
  const made = await makeTopology(api);
  for (const [list, id] of [
    ['sites', made.berlin.id],
    ['edges', made.berlinEdge.id],
  ] as const) {
    await api.send('PATCH', `/${list}/${id}`, { name: `${CANARY} ${list}` });
  }
  const policy = await api.make('/policies', {
    name: `${CANARY} policy`,
    description: CANARY,
    rules: [rule(`${CANARY} rule`, made.berlin.id, made.tokyo.id)],
  });
  const pool = await api.make('/address-pools', {
    name: `${CANARY} pool`,
    siteId: made.berlin.id,
    prefix: '10.99.0.0/24',
  });
  const host = await api.make('/external-peers', remoteHost(`${CANARY} host`, made.berlin.id, pool.id));
  await api.make('/revisions', { comment: CANARY });
  return [api.tenantId, policy.id, pool.id, host.id, ...Object.values(made).map(({ id }) => id)];
}

async function fillOwnTenant(): Promise<string[]> {
  const make = async (rest: string, body: unknown): Promise<string> => {
    const response = await fetch(`${api.controller.url}/api/v1/tenants/${tenantId}${rest}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${rest}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { id: string }).id;
  };
  const [here, there] = [await make('/sites', { name: 'here' }), await make('/sites', { name: 'there' })];
  const rules = [rule('r', here, there)];
  const pool = await make('/address-pools', { name: 'pool', siteId: here, prefix: '10.99.0.0/24' });
  return [
    pool,
    await make('/external-peers', remoteHost('host', here, pool)),
    here,
    there,
    await make('/networks', { siteId: here, name: 'lan', prefix: '10.1.0.0/16' }),
    await make('/networks', { siteId: there, name: 'lan', prefix: '10.2.0.0/16' }),
    await make('/edges', { siteId: here, name: 'here-1', underlayAddress: '203.0.113.1' }),
    await make('/edges', { siteId: there, name: 'there-1', underlayAddress: '203.0.113.2' }),
    await make('/policies', { name: 'p', rules }),
    await make('/policies', { name: 'q', rules: [] }),
    await make('/policy-tests', { ...rules[0], action: undefined, name: 't', expect: 'allowed' }),
  ];
}

function remoteHost(name: string, siteId: string, addressPoolId: string) {
  const ends = { identity: 'host.example', localIdentity: 'edge.example', preSharedKey: 'a key for the tests of this' };
  return { name, siteId, ...ends, assigned: [{ addressPoolId }] };
}

async function makeMember(tenant: string): Promise<void> {
  await observer`insert into tenants (id, name) values (${tenant}, 'of the member')`;
  await observer`
    insert into users (id, tenant_id, name, password_hash, role)
    select ${randomUUID()}, ${tenant}, 'member', password_hash, 'admin' from users where name = 'admin'`;
}
