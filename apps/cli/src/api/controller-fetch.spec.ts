import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { clientOf } from './connection.js';
import { controllerFetch } from './controller-fetch.js';
import { readAll } from './pages.js';
import { answerOf } from './refusal.js';
import { writeOnce } from './write-once.js';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: http.RequestListener): Promise<URL> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const json = (response: http.ServerResponse, status: number, body: unknown, type = 'application/json') =>
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(JSON.stringify(body));
const fetchFor = (timeoutMilliseconds = 30_000) => controllerFetch({ authorities: undefined, timeoutMilliseconds });
const client = (controller: URL) =>
  clientOf(
    { controller, tenant: undefined, tokenFile: '', caFile: undefined, timeoutMilliseconds: 30_000 },
    undefined,
    { headers: { authorization: 'Bearer weft_x' } },
  );

describe('an answer', () => {
  it('of a controller is what fetch would give', async () => {
    const url = await serve((request, response) => json(response, 200, { token: request.headers.authorization }));
    const { data } = await client(url).GET('/api/v1/session');
    expect(data).toEqual({ token: 'Bearer weft_x' });
  });

  it.each([
    ['a page', 200, 'text/html'],
    ['a page of a proxy', 502, 'text/html'],
    ['a redirect', 302, 'application/json'],
  ])('that is %s is none of a controller', async (_, status, type) => {
    const url = await serve((__, response) =>
      response.writeHead(status, { 'content-type': type, location: '/login' }).end('x'),
    );
    await expect(fetchFor()(new Request(url))).rejects.toMatchObject({ code: 'answer_unusable', exitCode: 3 });
  });

  it('that does not come, or not to its end, is waited for no longer than was said', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/half') response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    });
    for (const path of ['/none', '/half']) {
      const asked = fetchFor(20)(new Request(new URL(path, url)));
      await expect(asked).rejects.toMatchObject({ code: 'answer_late', exitCode: 3 });
    }
  });

  it('that is cut off is not taken for whole', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{}');
      response.socket?.end();
    });
    await expect(fetchFor()(new Request(url))).rejects.toMatchObject({ code: 'not_reached' });
  });

  it.each([
    [422, 1],
    [401, 1],
    [429, 3],
    [503, 3],
  ])('%i that says why is a refusal that ends with %i', async (status, exitCode) => {
    const problem = { type: 'urn:weft:problem:some_reason', title: 't', status, detail: 'd', errors: [] };
    const url = await serve((_, response) => json(response, status, problem, 'application/problem+json'));
    const asked = answerOf(client(url).GET('/api/v1/session'));
    await expect(asked).rejects.toMatchObject({ reason: 'some_reason', exitCode, problem });
  });
});

describe('a list', () => {
  it.each([
    ['audit-entries', 'before'],
    ['sites', 'after'],
  ] as const)('%s: is read page by page as long as an answer says where the next begins', async (list, cursor) => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(new URL(request.url ?? '', 'http://x').search);
      const pages = [
        { items: [1, 2], next: 7 },
        { items: [3], next: 'four' },
        { items: [4], next: null },
      ];
      json(response, 200, pages[asked.length - 1]);
    });
    const items = await readAll(client(url), 'id', `/api/v1/tenants/{tenantId}/${list}`, { limit: 2 });
    expect(items).toEqual([1, 2, 3, 4]);
    expect(asked).toEqual(['?limit=2', `?limit=2&${cursor}=7`, `?limit=2&${cursor}=four`]);
  });
});

describe('a write', () => {
  it('whose answer is lost is asked for once more, with the same key', async () => {
    const keys: string[] = [];
    const url = await serve((request, response) => {
      keys.push(String(request.headers['idempotency-key']));
      if (keys.length === 1) request.socket.destroy();
      else json(response, 200, {});
    });
    const headers = (key: string) => ({ headers: { 'idempotency-key': key }, method: 'POST' });
    const answer = await writeOnce((key) => fetchFor()(new Request(url, headers(key))));
    expect(answer.status).toBe(200);
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^"[0-9a-f-]{36}"$/);
  });

  it('that is refused is not asked for again', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.writeHead(302).end();
    });
    await expect(writeOnce(() => fetchFor()(new Request(url)))).rejects.toMatchObject({ code: 'answer_unusable' });
    expect(asked).toBe(1);
  });
});
