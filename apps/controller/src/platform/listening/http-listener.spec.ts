import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { HttpListener } from './http-listener.js';

it('keeps a connection longer than a reverse proxy does, so that the proxy is the one to close it', async () => {
  const server = createServer((_request, response) => response.end('here'));
  const listener = await HttpListener.open(server, { kind: 'tcp', host: '127.0.0.1', port: 0 }, 'WEFT_HTTP_LISTEN');
  try {
    const answer = await fetch(`http://${listener.address}/`);
    expect([await answer.text(), answer.headers.get('keep-alive')]).toEqual(['here', 'timeout=75']);
  } finally {
    await listener.close();
  }
});
