import http from 'node:http';
import https from 'node:https';
import { messageOf, UnreachableError } from '../platform/cli-error.js';

export interface ControllerFetchOptions {
  /** Authorities (PEM) to trust instead of those that Node knows. */
  readonly authorities: string | undefined;
  /** For one answer, from the first octet that is sent to the last that comes. */
  readonly timeoutMilliseconds: number;
}

/**
 * What openapi-fetch asks with. Not the `fetch` of Node, which takes no authorities. An answer is read whole, redirects are
 * not followed (the token is for this controller), and what is not JSON or YAML does not come from a controller.
 * The function throws UnreachableError.
 */
export function controllerFetch(options: ControllerFetchOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    const late = AbortSignal.timeout(options.timeoutMilliseconds);
    try {
      const { status, headers, octets } = await exchange(
        request,
        body,
        options,
        AbortSignal.any([request.signal, late]),
      );
      refuseForeign(status, headers, octets, request.url);
      return new Response(BODILESS.has(status) ? null : new Uint8Array(octets), { status, headers });
    } catch (error) {
      if (error instanceof UnreachableError) throw error;
      throw late.aborted ? answerLate(request.url, options.timeoutMilliseconds) : notReached(request.url, error);
    }
  };
}

/** The request of Node that belongs to this one, sent; `answered` gets the head of the answer. */
export function send(
  request: Request,
  body: Buffer | undefined,
  { authorities }: Pick<ControllerFetchOptions, 'authorities'>,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const url = new URL(request.url);
  const headers: Record<string, string> = Object.fromEntries(request.headers);
  if (body !== undefined) headers['content-length'] = String(body.length);
  const common = { method: request.method, headers, signal };
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === 'https:'
        ? https.request(url, {
            ...common,
            minVersion: 'TLSv1.3',
            ...(authorities === undefined ? {} : { ca: authorities }),
          })
        : http.request(url, common);
    sent.once('response', resolve).once('error', reject).end(body);
  });
}

interface Exchanged {
  readonly status: number;
  readonly headers: Headers;
  readonly octets: Buffer;
}

async function exchange(
  request: Request,
  body: Buffer | undefined,
  options: ControllerFetchOptions,
  signal: AbortSignal,
): Promise<Exchanged> {
  const answer = await send(request, body, options, signal);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAXIMUM_ANSWER_OCTETS) {
      const most = `${MAXIMUM_ANSWER_OCTETS >> 20} MiB`;
      throw new UnreachableError(
        'answer_too_large',
        `${request.url} answers with more than ${most}`,
        'ask for less of it',
      );
    }
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, headers: headersOf(answer), octets: Buffer.concat(chunks) };
}

function headersOf(answer: http.IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return headers;
}

/** A proxy that has no controller behind it, a login page, some other server. */
function refuseForeign(status: number, headers: Headers, octets: Buffer, url: string): void {
  if (status >= 200 && status !== 304 && (status < 300 || status >= 400)) {
    if (octets.length === 0 || OURS.test(headers.get('content-type') ?? '')) return;
  }
  const to = headers.get('location');
  throw new UnreachableError(
    'answer_unusable',
    `${url} answers ${status}${to === null ? '' : ` and points to ${to}`}, which is no answer of a controller`,
    'say with --controller where the controller itself is',
  );
}

function answerLate(url: string, milliseconds: number): UnreachableError {
  const detail = `${url} has not answered within ${milliseconds / 1000} s`;
  return new UnreachableError('answer_late', detail, 'ask again, or give it longer with --timeout');
}

/** What the operator can do depends on what is wrong with the connection: mostly the address, sometimes the authority. */
export function notReached(url: string, error: unknown): UnreachableError {
  const why = messageOf(error);
  const fix = /certificate|self-signed|issuer/i.test(why)
    ? 'give the authority of the controller with --ca-file'
    : 'see that the controller runs, and say with --controller where';
  return new UnreachableError('not_reached', `${url} is not reached: ${why}`, fix, { cause: error });
}

const OURS = /^application\/(?:[a-z.+-]+\+)?(?:json|yaml)\b/i;
const BODILESS: ReadonlySet<number> = new Set([204, 205]);
const MAXIMUM_ANSWER_OCTETS = 64 << 20;
