import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../config/controller-config.js';
import { HttpListener } from '../platform/listening/http-listener.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { ControllerMetrics } from './controller-metrics.js';

/**
 * Answers `GET /metrics` at a door of its own, which is closed unless WEFT_METRICS_LISTEN opens it: who collects metrics needs no
 * account, and who has an account need not see how many tenants there are.
 */
@Injectable()
export class MetricsServer {
  readonly #logger: Logger;
  #listener: HttpListener | undefined;

  constructor(
    private readonly config: ControllerConfig,
    private readonly metrics: ControllerMetrics,
    @InjectLogger() logger: Logger,
  ) {
    this.#logger = logger.child({ component: 'metrics' });
  }

  /** host:port; undefined while the door is closed. */
  get address(): string | undefined {
    return this.#listener?.address;
  }

  /** Throws ListenError. */
  async start(): Promise<void> {
    if (this.config.metrics === undefined) return;
    this.metrics.start();
    const server = createServer((request, response) => this.#answer(request, response));
    this.#listener = await HttpListener.open(server, this.config.metrics, 'WEFT_METRICS_LISTEN');
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    this.metrics.render().then(
      ({ text, contentType }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error: unknown) => {
        this.#logger.error({ err: error }, 'metrics cannot be made');
        response.writeHead(503).end();
      },
    );
  }
}
