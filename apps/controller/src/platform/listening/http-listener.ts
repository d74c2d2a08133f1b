import { chmod } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import type { ListenAddress } from '../../config/controller-config.js';
import { formatHostPort } from '../../config/listen-address.js';
import { ListenError } from './listen-error.js';
import { removeStaleSocket } from './unix-socket.js';

/** An HTTP door: a TCP port or a Unix socket. */
export class HttpListener {
  readonly #server: Server;
  /** Where it listens in truth: host:port or unix:/path. */
  readonly address: string;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  /** `variable` is what has chosen the place. Throws ListenError. */
  static async open(server: Server, where: ListenAddress, variable: string): Promise<HttpListener> {
    server.requestTimeout = REQUEST_TIMEOUT_MILLISECONDS;
    server.headersTimeout = HEADERS_TIMEOUT_MILLISECONDS;
    server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
    server.maxConnections = MAXIMUM_CONNECTIONS;
    const wanted = where.kind === 'unix' ? `unix:${where.path}` : formatHostPort(where.host, where.port);
    try {
      if (where.kind === 'unix') await removeStaleSocket(variable, where.path);
      await listen(server, where.kind === 'unix' ? { path: where.path } : { host: where.host, port: where.port });
      if (where.kind === 'unix') await chmod(where.path, SOCKET_MODE);
    } catch (error) {
      throw ListenError.from(variable, wanted, error);
    }
    const bound = server.address();
    const address = bound !== null && typeof bound === 'object' ? formatHostPort(bound.address, bound.port) : wanted;
    return new HttpListener(server, address);
  }

  /** Takes no new connection, lets requests under way end, cuts them after GRACE_MILLISECONDS. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), GRACE_MILLISECONDS);
    await closed;
    clearTimeout(timer);
  }
}

function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A reverse proxy of the same group may connect; the directory decides who else reaches it. */
const SOCKET_MODE = 0o660;
const REQUEST_TIMEOUT_MILLISECONDS = 30_000;
const HEADERS_TIMEOUT_MILLISECONDS = 10_000;
/** Longer than reverse proxies keep a connection, 60 s as a rule: a request that is on its way when we close first is lost. */
const KEEP_ALIVE_MILLISECONDS = 75_000;
const MAXIMUM_CONNECTIONS = 1_000;
const GRACE_MILLISECONDS = 3_000;
