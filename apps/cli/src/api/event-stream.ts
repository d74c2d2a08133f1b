import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Problem } from '@weft/contracts/rest';
import { CliError, UnreachableError } from '../platform/cli-error.js';
import { notReached, send } from './controller-fetch.js';
import { Refusal } from './refusal.js';
import { parseEvents, type ServerSentEvent } from './server-sent-events.js';

/** Where a stream is, and what is presented there. */
export interface EventSource {
  /** Of the stream itself. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly authorities: string | undefined;
  /** For the head of an answer. */
  readonly timeoutMilliseconds: number;
}

/**
 * Reads a stream for as long as somebody takes events from it, and comes back by itself (Last-Event-ID) when it is cut off.
 * `again` hears why; `pause` waits before it tries. Throws Refusal; UnreachableError after ten attempts in a row, or when the first one reaches nobody.
 */
export async function* followEvents(
  source: EventSource,
  after: string | undefined,
  again: (why: string) => void,
  pause: (milliseconds: number) => Promise<void> = delay,
): AsyncGenerator<ServerSentEvent> {
  let position = after;
  let failures = 0;
  let reached = false;
  for (;;) {
    const abort = new AbortController();
    try {
      const chunks = await open(source, position, abort);
      reached = true;
      const moved = (id: string) => {
        position = id;
        failures = 0;
      };
      yield* parseEvents(chunks, moved);
      throw new UnreachableError('not_reached', 'the stream ended', 'see that the controller runs, and ask again');
    } catch (error) {
      failures += 1;
      const hopeless = !(error instanceof CliError) || error.exitCode !== RETRIED || !reached;
      if (hopeless || failures > MAXIMUM_FAILURES) throw error;
      again(error.message);
    } finally {
      abort.abort();
    }
    await pause(Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** failures, LONGEST_PAUSE_MILLISECONDS));
  }
}

async function open(
  source: EventSource,
  position: string | undefined,
  abort: AbortController,
): Promise<AsyncIterable<string>> {
  const { url, headers, authorities, timeoutMilliseconds } = source;
  const resumed: Record<string, string> = position === undefined ? {} : { 'last-event-id': position };
  const request = new Request(url, { headers: { ...headers, accept: 'text/event-stream', ...resumed } });
  const late = setTimeout(() => abort.abort(), timeoutMilliseconds);
  try {
    const answer = await send(request, undefined, { authorities }, abort.signal);
    if (answer.statusCode !== 200) throw await refusalOf(url, answer.statusCode ?? 0, answer);
    answer.setEncoding('utf8');
    return awake(url, answer, abort);
  } catch (error) {
    throw error instanceof CliError ? error : notReached(url.href, error);
  } finally {
    clearTimeout(late);
  }
}

/** The controller says something every 15 seconds; a connection that is silent for three times that is gone. */
async function* awake(url: URL, answer: Readable, abort: AbortController): AsyncGenerator<string> {
  const silent = setTimeout(() => abort.abort(), SILENCE_MILLISECONDS);
  try {
    for await (const chunk of answer) {
      silent.refresh();
      yield chunk as string;
    }
  } catch (error) {
    throw notReached(url.href, error);
  } finally {
    clearTimeout(silent);
  }
}

async function refusalOf(url: URL, status: number, answer: Readable): Promise<CliError<string>> {
  let text = '';
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > MAXIMUM_PROBLEM_LENGTH) break;
  }
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.type === 'string' && Array.isArray(problem.errors)) return new Refusal(problem);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const fix = 'say with --controller where the controller itself is';
  return new UnreachableError(
    'answer_unusable',
    `${url.href} answers ${status}, which is no answer of a controller`,
    fix,
  );
}

const RETRIED = 3;
const MAXIMUM_FAILURES = 10;
const FIRST_PAUSE_MILLISECONDS = 500;
const LONGEST_PAUSE_MILLISECONDS = 30_000;
const SILENCE_MILLISECONDS = 45_000;
const MAXIMUM_PROBLEM_LENGTH = 1 << 20;
