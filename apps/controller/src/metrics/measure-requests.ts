import type { NextFunction, Request, Response } from 'express';
import type { AnsweredRequest } from './controller-metrics.js';

/**
 * Express middleware: tells of each request to a route when its answer is out. What no route took is `unmatched`. How long a stream was
 * open is nothing that anybody waited.
 */
export function measureRequests(answered: (request: AnsweredRequest) => void) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const begun = performance.now();
    response.once('finish', () => {
      if (response.getHeader('content-type') === 'text/event-stream') return;
      const pattern: unknown = request.route?.path;
      answered({
        method: request.method,
        route: typeof pattern === 'string' ? pattern : 'unmatched',
        status: response.statusCode,
        seconds: (performance.now() - begun) / 1_000,
      });
    });
    next();
  };
}
