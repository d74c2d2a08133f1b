import { ProviderFailure } from './provider-failure.js';

/** JSON that a provider answers, and with which status. */
export interface ProviderAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Asks the provider for JSON: within a time for everything together, an answer of bounded size, and from that address alone: an answer
 * that leads elsewhere is none. Throws ProviderFailure.
 *
 * @param form sent by POST; absent: GET
 */
export async function askProvider(
  url: URL,
  form?: { readonly body: URLSearchParams; readonly authorization: string | undefined },
): Promise<ProviderAnswer> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MILLISECONDS);
  const headers = new Headers({ accept: 'application/json' });
  if (form?.authorization !== undefined) headers.set('authorization', form.authorization);
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal,
      headers,
      ...(form !== undefined && { method: 'POST', body: form.body }),
    });
    const text = await boundedText(response, url);
    if (response.status >= 300 && response.status < 400) {
      throw new ProviderFailure('status', `${place(url)} leads elsewhere (status ${response.status})`);
    }
    return { status: response.status, body: parsed(text, url, response.status) };
  } catch (error) {
    throw error instanceof ProviderFailure ? error : failureOf(error, url);
  }
}

/** The rest of what is too large is not read. */
async function boundedText(response: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of response.body ?? []) {
    octets += chunk.length;
    if (octets > ANSWER_MAXIMUM_OCTETS) {
      throw new ProviderFailure('too_large', `${place(url)} answers more than ${ANSWER_MAXIMUM_OCTETS} octets`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string, url: URL, status: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProviderFailure('not_json', `${place(url)} answers with status ${status}, and no JSON`);
  }
}

function failureOf(error: unknown, url: URL): ProviderFailure {
  if (error instanceof Error && error.name === 'TimeoutError') {
    const seconds = REQUEST_TIMEOUT_MILLISECONDS / 1000;
    return new ProviderFailure('timeout', `${place(url)} has not answered within ${seconds} seconds`);
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new ProviderFailure('unreachable', `${place(url)}: ${cause instanceof Error ? cause.message : String(cause)}`);
}

/** Without what a query may hold. */
function place({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** From the first octet of the question to the last of the answer: one that drips ends, too. */
const REQUEST_TIMEOUT_MILLISECONDS = 10_000;
/** Keys and metadata have some thousand octets, tokens with hundreds of groups some ten thousand. */
const ANSWER_MAXIMUM_OCTETS = 256 * 1024;
