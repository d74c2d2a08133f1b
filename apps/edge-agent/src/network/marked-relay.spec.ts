import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MarkedRelay, serveRelay } from './marked-relay.js';

// Marks need CAP_NET_ADMIN.
const unavailable = process.getuid?.() === 0 ? undefined : 'needs root to mark packets';

describe.skipIf(unavailable !== undefined)(
  `relay of the session${unavailable === undefined ? '' : ` (${unavailable})`}`,
  () => {
    let directory: string;
    let relay: MarkedRelay | undefined;
    let server: Server | undefined;
    let failures: unknown[];

    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'weft-relay-'));
    });
    afterEach(async () => {
      await relay?.close();
      server?.close();
      rmSync(directory, { recursive: true });
    });

    async function start(serve: (connection: Socket) => void): Promise<string> {
      server = createServer({ allowHalfOpen: true }, serve);
      await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      return relayTo(typeof address === 'object' ? (address?.port ?? 0) : 0);
    }

    async function relayTo(port: number): Promise<string> {
      const path = join(directory, 'session.sock');
      // Of this relay alone: one that is closed may still find out that it had nobody to pass on to.
      const heard: unknown[] = [];
      failures = heard;
      relay = await serveRelay(path, { host: 'localhost', port }, 0x7765, (error) => heard.push(error));
      expect(relay.target).toBe(`unix:${path}`);
      return path;
    }

    it('passes octets on in both directions, and the end of each when it comes', async () => {
      const octets = Buffer.alloc(3 << 20, 'abcdefg');
      const path = await start((connection) => {
        // The answer begins when the question has ended.
        let asked = '';
        connection.on('data', (piece) => {
          asked += String(piece);
        });
        connection.once('end', () => connection.end(asked.toUpperCase()));
      });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const client = createConnection({ path, allowHalfOpen: true });
      client.end(octets);
      expect(await text(client)).toBe(octets.toString().toUpperCase());
      expect(failures).toEqual([]);
    });

    it('breaks off when the other end does, and when it is closed', async () => {
      const path = await start((connection) => {
        connection.once('data', () => connection.resetAndDestroy());
      });
      const broken = createConnection(path);
      broken.on('error', () => undefined);
      const ended = new Promise((resolve) => broken.once('close', resolve));
      broken.write('x');
      await ended;
      const open = createConnection(path);
      open.on('error', () => undefined);
      await new Promise((resolve) => open.once('connect', resolve));
      const closed = new Promise((resolve) => open.once('close', resolve));
      await relay?.close();
      relay = undefined;
      await closed;
    });

    it('closes what it cannot pass on, and says why', async () => {
      const listener = createServer();
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      const address = listener.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      await new Promise((resolve) => listener.close(resolve));
      const client = createConnection(await relayTo(port));
      client.on('error', () => undefined);
      client.resume();
      await new Promise((resolve) => client.once('close', resolve));
      expect(failures).toEqual([expect.objectContaining({ code: 'ECONNREFUSED' })]);
    });
  },
);
