/** Whether the controller answers, learnt from every request that the console makes anyway. */

export type ContactState = 'waiting' | 'live' | 'unreachable' | 'degraded';

export interface Contact {
  readonly state: ContactState;
  /** Milliseconds since 1970 of the last good answer; null before the first. */
  readonly lastAnswerAt: number | null;
}

/** A request that takes longer counts as lost; the next poll tries again. */
const REQUEST_TIMEOUT_MS = 10_000;
const GATEWAY_FAILURES: readonly number[] = [502, 504];

let contact: Contact = { state: 'waiting', lastAnswerAt: null };
const contactListeners = new Set<() => void>();
const signOutListeners = new Set<() => void>();

export function readContact(): Contact {
  return contact;
}

export function subscribeToContact(listener: () => void): () => void {
  contactListeners.add(listener);
  return () => contactListeners.delete(listener);
}

/** Calls back when the controller says that nobody is logged in any more. */
export function subscribeToSignOut(listener: () => void): () => void {
  signOutListeners.add(listener);
  return () => signOutListeners.delete(listener);
}

/** `fetch` with a deadline that also records whether the controller answered. */
export async function trackedFetch(request: Request): Promise<Response> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  let response: Response;
  try {
    response = await fetch(new Request(request, { signal }));
  } catch (error) {
    if (!request.signal.aborted) report({ ...contact, state: 'unreachable' });
    throw error;
  }
  reportAnswer(response.status);
  if (response.status === 401 && request.method !== 'POST') for (const listener of signOutListeners) listener();
  return response;
}

function reportAnswer(status: number): void {
  if (GATEWAY_FAILURES.includes(status)) report({ ...contact, state: 'unreachable' });
  else if (status === 503) report({ ...contact, state: 'degraded' });
  else report({ state: 'live', lastAnswerAt: Date.now() });
}

function report(next: Contact): void {
  contact = next;
  for (const listener of contactListeners) listener();
}
