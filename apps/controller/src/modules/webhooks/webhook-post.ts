import http from 'node:http';
import https from 'node:https';
import type { BlockList } from 'node:net';
import type { AttemptOutcome } from './webhook-queue.js';
import { targetOf } from './webhook-target.js';

/** One attempt of a delivery. */
export interface WebhookPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Posts once, to an address that may be connected to. Follows no redirect, and reads nothing of an answer but its status: what is behind a
 * URL is not to be read through a log of deliveries. Never rejects.
 */
export async function post(
  { url: text, headers, body }: WebhookPost,
  allowed: BlockList,
  timeoutMilliseconds: number,
  stopping: AbortSignal,
): Promise<AttemptOutcome> {
  const url = new URL(text);
  const target = await targetOf(url, allowed);
  if (typeof target === 'string') return { kind: 'failed', status: null, failure: target };
  const { address, family } = target;
  return new Promise((resolve) => {
    const fail = (failure: string) => resolve({ kind: 'failed', status: null, failure });
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: 'POST',
      // The name stays in Host and in TLS; the connection goes where was looked.
      lookup: (_name, { all }, done) => {
        if (all === true) done(null, [{ address, family }]);
        else done(null, address, family);
      },
      agent: false,
      // Receivers are not ours: many do not know TLS 1.3 yet.
      minVersion: 'TLSv1.2',
      maxHeaderSize: HEADER_OCTETS_MAXIMUM,
      signal: stopping,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Weft-Webhooks/1',
      },
    });
    const timer = setTimeout(() => {
      fail('timed_out');
      request.destroy();
    }, timeoutMilliseconds);
    request.once('response', ({ statusCode = 0 }) => {
      const good = statusCode >= 200 && statusCode < 300;
      resolve(
        good ? { kind: 'delivered', status: statusCode } : { kind: 'failed', status: statusCode, failure: 'status' },
      );
      request.destroy();
    });
    request.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'connection_failed'));
    request.once('close', () => clearTimeout(timer));
    request.end(body);
  });
}

const HEADER_OCTETS_MAXIMUM = 16_384;
