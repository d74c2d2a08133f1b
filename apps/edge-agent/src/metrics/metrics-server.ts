import { createServer } from 'node:http';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';

/** Where metrics are fetched from. */
export interface MetricsServer {
  close(): Promise<void>;
}

/**
 * Answers `GET /metrics` at an address of this machine. One that is taken is said and not fatal: an edge without metrics is an
 * edge. `render` makes the text anew for every question.
 */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  render: () => Promise<string>,
  log: Pick<Log, 'warn' | 'info'>,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    render().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
      (error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'metrics cannot be made');
        response.writeHead(503).end();
      },
    );
  });
  server.maxConnections = MAXIMUM_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MILLISECONDS;
  server.headersTimeout = REQUEST_TIMEOUT_MILLISECONDS;
  await new Promise<void>((resolve) => {
    server.once('error', (error) => {
      log.warn({ reason: messageOf(error), fix: 'choose another metrics-listen' }, 'metrics are not served');
      resolve();
    });
    server.listen(port, host, () => {
      log.info({ address: server.address() }, 'metrics are served');
      resolve();
    });
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const MAXIMUM_CONNECTIONS = 8;
const REQUEST_TIMEOUT_MILLISECONDS = 5_000;
