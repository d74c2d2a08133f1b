import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { printEvents } from '../commands/events.js';
import { type EventSource, followEvents } from './event-stream.js';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: http.RequestListener): Promise<EventSource> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`);
  return { url, headers: { authorization: 'Bearer weft_x' }, authorities: undefined, timeoutMilliseconds: 30_000 };
}

const opened = (response: http.ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });
const eventOf = (number: number) => `id: 0-${number}\ndata: {"number":${number}}\n\n`;

describe('a stream that is followed', () => {
  it('goes on behind the last event when it is cut off, ended or refused for now, and misses none', async () => {
    const positions: (string | undefined)[] = [];
    const problem = { type: 'urn:weft:problem:x', title: 't', status: 503, detail: 'not now', errors: [] };
    const source = await serve((request, response) => {
      positions.push(request.headers['last-event-id'] as string | undefined);
      if (positions.length === 1) opened(response).write(eventOf(1) + eventOf(2), () => response.destroy());
      else if (positions.length === 2) response.writeHead(503).end(JSON.stringify(problem));
      else if (positions.length === 3) opened(response).end(eventOf(3));
      else opened(response).write(eventOf(4));
    });
    const why: string[] = [];
    const seen: string[] = [];
    const pauses: number[] = [];
    const pause = async (milliseconds: number) => void pauses.push(milliseconds);
    for await (const { data } of followEvents(source, '0-0', (reason) => why.push(reason), pause)) {
      seen.push(data);
      if (seen.length === 4) break;
    }
    expect(seen).toEqual([1, 2, 3, 4].map((number) => `{"number":${number}}`));
    expect(positions).toEqual(['0-0', '0-2', '0-2', '0-3']);
    expect(why).toEqual([expect.stringContaining('aborted'), 'not now', 'the stream ended']);
    // Longer with each failure in a row.
    expect(pauses).toEqual([1_000, 2_000, 1_000]);
  });

  it('that is refused for good, or never was reached, is not asked for again', async () => {
    let asked = 0;
    const problem = { type: 'urn:weft:problem:forbidden', title: 't', status: 403, detail: 'no', errors: [] };
    const source = await serve((_, response) => {
      asked += 1;
      response.writeHead(403).end(JSON.stringify(problem));
    });
    const first = (from: EventSource) => followEvents(from, undefined, () => undefined).next();
    await expect(first(source)).rejects.toMatchObject({ reason: 'forbidden', exitCode: 1 });
    expect(asked).toBe(1);
    const nobody = { ...source, url: new URL('http://127.0.0.1:1/stream') };
    await expect(first(nobody)).rejects.toMatchObject({ code: 'not_reached', exitCode: 3 });
  });
});

describe('weft events --follow', () => {
  it('says what is missing, and ends when the controller says why', async () => {
    const source = await serve((_, response) => {
      opened(response).write(`event: gap\nid: 0-1\ndata: {"reason":"no_longer_kept","missed":7}\n\n${eventOf(2)}`);
      response.end('event: end\ndata: {"reason":"unauthenticated"}\n\n');
    });
    const said = { out: '', notes: '' };
    const io = {
      environment: {},
      input: (async function* (): AsyncGenerator<string> {
        yield '';
      })(),
      write: (text: string) => {
        said.out += text;
      },
      notes: {
        write: (text: string) => {
          said.notes += text;
        },
      },
    };
    expect(await printEvents(io, source, { json: true, after: undefined, count: undefined })).toBe(1);
    expect(said.out).toBe('{"number":2}\n');
    expect(said.notes).toMatch(
      /^weft: 7 events are missing .*\nweft: the controller ends the stream: unauthenticated\n$/,
    );
  });
});
