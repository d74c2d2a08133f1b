import { createHash, createHmac } from 'node:crypto';
import { DomainError } from '../domain-error.js';

/** What is known of a request that may be sent again. */
export interface IdempotencyKey {
  /** SHA-256 of the key. */
  readonly hash: Buffer;
  /** HMAC-SHA-256 over the request, by the key: equal for requests that ask for the same. */
  readonly fingerprint: Buffer;
}

/** What makes a request another one. */
export interface FingerprintedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly ifMatch: string | undefined;
  readonly body: unknown;
}

/**
 * Parses the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header section 2.1: "an Item Structured Header. Its value
 * MUST be a String"). The same characters without the quotes mean the same key. Undefined without the header; throws DomainError
 * 'malformed_idempotency_key'.
 */
export function idempotencyKey(header: string | undefined, request: FingerprintedRequest): IdempotencyKey | undefined {
  if (header === undefined) return undefined;
  const key = /^(?:"([\w.~-]{16,128})"|([\w.~-]{16,128}))$/.exec(header.trim());
  const text = key?.[1] ?? key?.[2];
  if (text === undefined) {
    const detail =
      'An Idempotency-Key is 16 to 128 letters, digits, ".", "_", "~" and "-" in quotes, and cannot be guessed: give a random UUID.';
    throw new DomainError('malformed', 'malformed_idempotency_key', detail);
  }
  return {
    hash: createHash('sha256').update(`weft idempotency key ${text}`).digest(),
    fingerprint: createHmac('sha256', text).update(fingerprinted(request)).digest(),
  };
}

/** The order of query parameters says nothing; the body is what was parsed, so that white space says nothing either. */
function fingerprinted({ method, path, query, ifMatch, body }: FingerprintedRequest): string {
  const parameters = Object.entries(query).sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([method, path, parameters, ifMatch ?? null, body ?? null]);
}
