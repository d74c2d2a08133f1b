import http from 'node:http';
import https from 'node:https';
import type { BlockList } from 'node:net';
import type { AttemptOutcome } from './webhook-queue.js';
import { type Resolve, type TargetAddress, targetOf } from './webhook-target.js';

/** One attempt of a delivery. */
export interface WebhookPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostLimits {
  /** Addresses that may be connected to beside those of the Internet. */
  readonly allowed: BlockList;
  /** From the name to the head of the answer. */
  readonly timeoutMilliseconds: number;
  /** Breaks off what is under way. */
  readonly stopping: AbortSignal;
  readonly resolve: Resolve;
}

/**
 * Posts once, to an address that may be connected to. Follows no redirect, and reads nothing of an answer but its status: what is behind a
 * URL is not to be read through a log of deliveries. Never rejects.
 */
export async function post(delivery: WebhookPost, limits: PostLimits): Promise<AttemptOutcome> {
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<AttemptOutcome>((resolve) => {
    timer = setTimeout(() => resolve(failed('timed_out')), limits.timeoutMilliseconds);
  });
  try {
    return await Promise.race([attempt(delivery, limits, ended.signal), late]);
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
}

async function attempt(delivery: WebhookPost, limits: PostLimits, ended: AbortSignal): Promise<AttemptOutcome> {
  const target = await targetOf(new URL(delivery.url), limits.allowed, limits.resolve);
  if (typeof target === 'string') return failed(target);
  if (limits.stopping.aborted || ended.aborted) return failed('broken_off');
  return request(delivery, target, [limits.stopping, ended]);
}

function request(
  { url: text, headers, body }: WebhookPost,
  { address, family }: TargetAddress,
  signals: readonly AbortSignal[],
): Promise<AttemptOutcome> {
  const url = new URL(text);
  return new Promise((resolve) => {
    const sent = (url.protocol === 'https:' ? https : http).request(url, {
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
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Weft-Webhooks/1',
      },
    });
    const breakOff = () => sent.destroy();
    for (const signal of signals) signal.addEventListener('abort', breakOff, { once: true });
    sent.once('response', ({ statusCode = 0 }) => {
      const good = statusCode >= 200 && statusCode < 300;
      resolve(good ? { kind: 'delivered', status: statusCode } : { ...failed('status'), status: statusCode });
      sent.destroy();
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(failed(error.code ?? 'connection_failed')));
    sent.once('close', () => {
      for (const signal of signals) signal.removeEventListener('abort', breakOff);
      resolve(failed('broken_off'));
    });
    sent.end(body);
  });
}

function failed(failure: string) {
  return { kind: 'failed', status: null, failure } as const;
}

const HEADER_OCTETS_MAXIMUM = 16_384;
