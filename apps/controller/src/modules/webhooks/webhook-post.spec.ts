import { createServer, type Server } from 'node:http';
import { type AddressInfo, BlockList } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { post } from './webhook-post.js';
import type { Resolve } from './webhook-target.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
const PATIENCE = 60_000;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serving(answer: Parameters<typeof createServer>[1] & {}): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

/** The only name that there is. */
const resolve: Resolve = (host) =>
  host === 'hooks.example' ? Promise.resolve([{ address: '127.0.0.1', family: 4 }]) : Promise.reject(new Error(host));

const attempt = (
  url: string,
  { allowed = LOOPBACK, timeoutMilliseconds = PATIENCE, stopping = new AbortController(), names = resolve } = {},
) =>
  post(
    { url, headers: { 'webhook-id': 'x' }, body: '{"ü":1}' },
    { allowed, timeoutMilliseconds, stopping: stopping.signal, resolve: names },
  );

describe('an attempt of a delivery', () => {
  it('posts the body as it is, to the name that it was given', async () => {
    const seen: unknown[] = [];
    const url = await serving(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      seen.push(request.method, request.url, request.headers, Buffer.concat(chunks).toString());
      response.writeHead(204).end();
    });
    expect(await attempt(url.replace('127.0.0.1', 'hooks.example'))).toEqual({ kind: 'delivered', status: 204 });
    expect(seen).toMatchObject([
      'POST',
      '/hook',
      {
        'webhook-id': 'x',
        'content-type': 'application/json',
        'content-length': '8',
        host: expect.stringMatching(/^hooks\.example:/),
      },
      '{"ü":1}',
    ]);
  });

  it('follows no redirect, and reads no more of an answer than its status', async () => {
    let requests = 0;
    const url = await serving((_request, response) => {
      requests += 1;
      response.writeHead(307, { location: '/elsewhere' });
      // Never ends.
      response.write('x'.repeat(1_000_000));
    });
    expect(await attempt(url)).toEqual({ kind: 'failed', status: 307, failure: 'status' });
    expect(requests).toBe(1);
  });

  it('names why there was no answer', async () => {
    const silent = await serving(() => undefined);
    expect(await attempt(silent, { timeoutMilliseconds: 20 })).toEqual({
      kind: 'failed',
      status: null,
      failure: 'timed_out',
    });
    expect(await attempt(silent, { allowed: new BlockList() })).toMatchObject({ failure: 'address_refused' });
    const closed = await serving((request) => request.socket.destroy());
    expect(await attempt(closed)).toMatchObject({ failure: 'ECONNRESET' });
    const stopping = new AbortController();
    stopping.abort();
    expect(await attempt(silent, { stopping })).toMatchObject({ kind: 'failed', failure: 'broken_off' });
    const later = new AbortController();
    const broken = attempt(await serving(() => later.abort()), { stopping: later });
    expect(await broken).toMatchObject({ kind: 'failed' });
    const names: Resolve = () => new Promise(() => undefined);
    const lost = attempt('https://hooks.example', { names, timeoutMilliseconds: 20 });
    expect(await lost).toMatchObject({ failure: 'timed_out' });
  });
});
