import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';

const REQUEST_ID_HEADER = 'x-request-id';
/** A caller's id is taken over only when it can do no harm in a log or a header. */
const ACCEPTABLE_REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;
/** Asked every few seconds by every orchestrator: below the level at which people read. */
const PROBES = new Set(['/healthz', '/readyz']);

/**
 * Express middleware: gives each request an id (the caller's `x-request-id` if it is harmless), answers with it and
 * writes one line when the response is done. `request.log` carries the id. Headers and bodies are never logged.
 */
export function httpLogging(logger: Logger) {
  return pinoHttp({
    logger: logger.child({ component: 'http' }),
    genReqId: (request: IncomingMessage, response: ServerResponse) => {
      const given = request.headers[REQUEST_ID_HEADER];
      const id = typeof given === 'string' && ACCEPTABLE_REQUEST_ID.test(given) ? given : randomUUID();
      response.setHeader(REQUEST_ID_HEADER, id);
      return id;
    },
    customLogLevel: (request: IncomingMessage, response: ServerResponse, error?: Error) => {
      if (error !== undefined || response.statusCode >= 500) return 'error';
      return PROBES.has(pathOf(request.url)) ? 'trace' : 'debug';
    },
    serializers: {
      req: (request: { id: unknown; method: unknown; url: string | undefined; remoteAddress: unknown }) => ({
        id: request.id,
        method: request.method,
        path: pathOf(request.url),
        remoteAddress: request.remoteAddress,
      }),
      res: (response: { statusCode: unknown }) => ({ statusCode: response.statusCode }),
    },
  });
}

function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0] ?? '';
}
