import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'vite';

/** A page with its program, bundled for a browser and served on the loopback. */
export class ServedBundle {
  readonly url: string;
  readonly #server: Server;

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  /** `root`: folder with an index.html. */
  static async start(root: string): Promise<ServedBundle> {
    const files = await bundle(root);
    const server = createServer((request, response) => {
      const name = (request.url ?? '/').slice(1) || 'index.html';
      const file = files.get(name);
      response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.type ?? 'text/plain' });
      response.end(file?.body);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return new ServedBundle(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server);
  }

  async close(): Promise<void> {
    await new Promise((closed) => this.#server.close(closed));
  }
}

interface BundledFile {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** What vite makes of it, by file name; nothing is written to disk. */
async function bundle(root: string): Promise<ReadonlyMap<string, BundledFile>> {
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    // A browser has no Node modules; to leave one out quietly would only move the failure.
    resolve: { conditions: ['source', 'browser', 'module'] },
    build: { write: false, modulePreload: { polyfill: false } },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []));
  return new Map(
    outputs.map((file) => [
      file.fileName,
      {
        type: TYPES[file.fileName.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        body: file.type === 'chunk' ? file.code : file.source,
      },
    ]),
  );
}

const TYPES: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript' };
