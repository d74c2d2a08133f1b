import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../src/openapi/document.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Api, problemOf } from './support/api.js';

let api: Api;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  directory = await temporaryDirectory('console');
  const console = join(directory.path, 'console');
  await mkdir(join(console, 'assets'), { recursive: true });
  await writeFile(join(directory.path, 'outside.txt'), OUTSIDE);
  await writeFile(join(console, 'index.html'), '<meta property="csp-nonce" nonce="__CSP_NONCE__"><title>Weft</title>');
  await writeFile(join(console, 'assets', 'app-1a2b.js'), 'export {};');
  await writeFile(join(console, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  api = await Api.start({ WEFT_CONSOLE_DIR: console });
});
afterAll(async () => {
  await api.stop();
  await directory.remove();
});

/** What a file beside the console's folder says. */
const OUTSIDE = 'not for the browser';
const json = { 'content-type': 'application/json' };
const post = (body: string | undefined, headers: Record<string, string>) =>
  api.fetch(api.path('/sites'), { method: 'POST', headers, ...(body === undefined ? {} : { body }) });

describe('a problem', () => {
  it('answers a path that is not there', async () => {
    const problem = await problemOf(await api.fetch('/api/v1/nothing'));
    expect(problem).toMatchObject({ type: 'urn:weft:problem:unknown_route', status: 404, instance: '/api/v1/nothing' });
  });

  it.each([
    ['no JSON', '{"name":', json, 400, 'malformed_json'],
    ['a body that is too large', `"${'x'.repeat(3 * 1024 * 1024)}"`, json, 413, 'body_too_large'],
    ['another content type', '{"name":"x"}', { 'content-type': 'text/plain' }, 415, 'not_json'],
    ['a form', 'name=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'not_json'],
    [
      'another charset',
      '{"name":"x"}',
      { 'content-type': 'application/json; charset=iso-8859-1' },
      415,
      'unsupported_charset',
    ],
    ['a compressed body', '{"name":"x"}', { ...json, 'content-encoding': 'gzip' }, 415, 'unsupported_encoding'],
    ['no body', undefined, json, 422, 'invalid_request'],
    ['a body that is no object', '[]', json, 422, 'invalid_request'],
    ['null', 'null', json, 422, 'invalid_request'],
    ['a prototype', '{"name":"x","__proto__":{"a":1}}', json, 422, 'invalid_request'],
  ])('answers %s', async (_name, body, headers, status, code) => {
    const problem = await problemOf(await post(body, headers));
    expect(problem.status).toBe(status);
    expect(problem.type).toBe(`urn:weft:problem:${code}`);
  });

  it('says the number of its request, as the header and the log do', async () => {
    const response = await api.fetch('/api/v1/nothing', { headers: { 'x-request-id': 'from-the-caller.1' } });
    expect(response.headers.get('x-request-id')).toBe('from-the-caller.1');
    expect((await problemOf(response)).requestId).toBe('from-the-caller.1');
  });

  it('is in the log by the names of field and rule, under the same number, without the value', async () => {
    const response = await post('{"name":"secret name ","colour":"secret red"}', json);
    const { requestId, errors } = await problemOf(response);
    expect(errors.map(({ pointer, rule }) => [pointer, rule])).toEqual([
      ['/name', 'characters'],
      ['/colour', 'unknown_field'],
    ]);
    const lines = api.controller.log.filter(
      (line) => line['requestId'] === requestId && line['msg'] === 'request refused',
    );
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        user: 'admin',
        method: 'POST',
        path: api.path('/sites'),
        code: 'invalid_request',
        errors: errors.map(({ pointer, rule }) => ({ pointer, rule })),
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('of somebody who is not logged in is no line that people must read', async () => {
    const response = await fetch(`${api.controller.url}${api.path('/sites')}`, {
      method: 'POST',
      headers: json,
      body: '{}',
    });
    const { requestId } = await problemOf(response);
    const levels = api.controller.log.filter((line) => line['requestId'] === requestId).map((line) => line['level']);
    expect(levels).toEqual(['debug']);
  });

  it('answers what was not foreseen without insides; the log has them under the same number', async () => {
    const { sql } = api.controller;
    await sql`alter table sites rename column description to hidden_by_test`;
    try {
      const problem = await problemOf(await api.fetch(api.path('/sites')));
      expect(problem).toMatchObject({ status: 500, type: 'urn:weft:problem:internal_error', errors: [] });
      expect(JSON.stringify(problem)).not.toMatch(/description|column|select/i);
      const line = api.controller.log.find(({ requestId }) => requestId === problem.requestId);
      expect(JSON.stringify(line)).toContain('description');
    } finally {
      await sql`alter table sites rename column hidden_by_test to description`;
    }
  });

  it('answers whoever is not logged in, on every path but the open ones', async () => {
    const document = JSON.parse(await openApiText()) as {
      paths: Record<string, Record<string, { security?: unknown[] }>>;
    };
    const guarded: string[] = [];
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (operation.security?.length === 0) continue;
        const url = `${api.controller.url}${path.replaceAll(/\{\w+\}/g, api.tenantId)}`;
        const response = await fetch(url, { method: method.toUpperCase() });
        expect([method, path, (await problemOf(response)).status]).toEqual([method, path, 401]);
        expect(response.headers.get('www-authenticate')).toBe('Weft-Session, Bearer');
        guarded.push(path);
      }
    }
    expect(guarded.length).toBeGreaterThan(25);
  });
});

describe('every write of the API', () => {
  it('refuses a field that it does not know, by its name, and changes nothing', async () => {
    const document = JSON.parse(await openApiText()) as {
      paths: Record<string, Record<string, { requestBody?: unknown; security?: unknown[] }>>;
    };
    const writes: string[] = [];
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (operation.requestBody === undefined) continue;
        const target = path.replaceAll(/\{\w+\}/g, api.tenantId);
        const response = await api.fetch(target, {
          method: method.toUpperCase(),
          headers: { ...json, 'if-match': '*' },
          body: '{"notAField":1}',
        });
        const problem = await problemOf(response);
        writes.push(`${method} ${path}`);
        expect({ method, path, status: problem.status, errors: problem.errors }).toMatchObject({
          status: 422,
          errors: expect.arrayContaining([expect.objectContaining({ pointer: '/notAField', rule: 'unknown_field' })]),
        });
      }
    }
    expect(writes).toContain('put /api/v1/tenants/{tenantId}/policies/{policyId}');
    expect(writes.length).toBeGreaterThan(10);
  });

  it('refuses an unknown parameter in the query', async () => {
    const problem = await problemOf(await api.fetch(api.path('/revisions?limit=1&colour=red')));
    expect(problem).toMatchObject({ status: 422, errors: [{ pointer: '?colour', rule: 'unknown_field' }] });
  });
});

describe('a write', () => {
  it('from a page of another origin is refused', async () => {
    for (const origin of ['https://evil.example', 'null', `${api.controller.url}0`]) {
      expect((await problemOf(await post('{"name":"x"}', { ...json, origin }))).type).toBe(
        'urn:weft:problem:foreign_origin',
      );
    }
    expect((await problemOf(await rawPost({ 'sec-fetch-site': 'cross-site' }))).status).toBe(403);
    expect(await (await api.fetch(api.path('/sites'))).json()).toEqual({ items: [], next: null });
  });

  it('from our own page passes', async () => {
    expect((await post('{"name":"x"}', { ...json, origin: api.controller.url })).status).toBe(201);
  });
});

describe('the console', () => {
  it('is one page under every path, with a nonce of its own each time and never stored', async () => {
    const nonces = new Set<string>();
    for (const path of ['/', '/sites', '/policies/1']) {
      const response = await fetch(`${api.controller.url}${path}`);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('cache-control')).toBe('no-store');
      const nonce = /nonce="([\w-]{22})"/.exec(await response.text())?.[1] ?? '';
      const policy = response.headers.get('content-security-policy');
      expect(policy).toContain(`script-src 'self' 'nonce-${nonce}'`);
      expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(3);
  });

  it('has assets that are stored for ever, and others that are not', async () => {
    const asset = await fetch(`${api.controller.url}/assets/app-1a2b.js`);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await asset.text()).toBe('export {};');
    const icon = await fetch(`${api.controller.url}/favicon.svg`);
    expect(icon.headers.get('cache-control')).toBe('public, max-age=0');
    expect((await problemOf(await fetch(`${api.controller.url}/assets/other.js`))).status).toBe(404);
  });

  it.each(['/../outside.txt', '/..%2foutside.txt', '/assets/..%2f..%2foutside.txt', '/%2e%2e/outside.txt'])(
    'serves nothing from outside of its directory: %s',
    async (path) => {
      expect(await rawGet(path)).not.toContain(OUTSIDE);
    },
  );

  it('is no answer to the API', async () => {
    expect((await fetch(`${api.controller.url}/api/unknown`)).status).toBe(404);
  });
});

describe('every answer', () => {
  it('has headers that browsers heed', async () => {
    for (const path of ['/', '/api/v1/session', '/assets/app-1a2b.js', '/healthz']) {
      const { headers } = await fetch(`${api.controller.url}${path}`);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('x-powered-by')).toBeNull();
    }
    expect((await fetch(`${api.controller.url}/api/v1/session`)).headers.get('cache-control')).toBe('no-store');
  });
});

describe('the OpenAPI document', () => {
  it('is committed as the code gives it, and served', async () => {
    const committed = await readFile(new URL('../../../../packages/contracts/openapi.json', import.meta.url), 'utf8');
    expect(committed).toBe(await openApiText());
    expect(await (await fetch(`${api.controller.url}/api/v1/openapi.json`)).text()).toBe(committed);
  });

  it('gives every operation a name of its own and the answer to what it cannot foresee', async () => {
    const document = JSON.parse(await openApiText()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { responses } of operations) expect(Object.keys(responses)).toContain('default');
  });
});

/** fetch() sets Sec-Fetch-* itself. */
function rawPost(headers: Record<string, string>): Promise<Response> {
  return raw('POST', api.path('/sites'), { ...json, ...headers, cookie: api.cookie }, '{"name":"x"}');
}

/** fetch() resolves dots before it asks. */
async function rawGet(path: string): Promise<string> {
  return (await raw('GET', path, {})).text();
}

function raw(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Response> {
  const { hostname, port } = new URL(api.controller.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const { statusCode: status = 0 } = answer;
        resolve(
          new Response(Buffer.concat(chunks), {
            status,
            headers: { 'content-type': answer.headers['content-type'] ?? '' },
          }),
        );
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
