import { DomainError, refusal } from '../domain-error.js';

/** draft-ietf-httpapi-idempotency-key-header section 2.7: "If there is an attempt to reuse an idempotency key with a different request payload". */
export function keyReused(): DomainError {
  const detail =
    'This Idempotency-Key belongs to another request. Make a new key for each request, and repeat the request as it was.';
  return new DomainError('invalid', 'idempotency_key_reused', detail);
}

/** Section 2.7 there: "If the request is retried, while the original request is still being processed". */
export function stillInProgress(): DomainError {
  const detail = 'A request with this Idempotency-Key is being carried out. Ask again in a moment for its answer.';
  return new DomainError('conflict', 'idempotency_key_in_use', detail, [], RETRY_SECONDS);
}

export function answerNotKept(): DomainError {
  const detail =
    'The request with this Idempotency-Key was carried out. Its answer is not kept, as it has a secret that is shown once or is ' +
    'very large: read what it made, or ask for another secret with a new key.';
  return new DomainError('conflict', 'answer_not_kept', detail);
}

export function unknownParameters(names: readonly string[]): DomainError {
  const entries = names.map((name) => ({
    pointer: `?${name.slice(0, MAX_QUOTED)}`,
    rule: 'unknown_field',
    detail: `"${name.slice(0, MAX_QUOTED)}" is no parameter here`,
    fix: 'Remove it, or correct its spelling.',
  }));
  return new DomainError(
    'invalid',
    'invalid_request',
    'The query has what this operation does not know; see errors.',
    entries,
  );
}

export function malformedDryRun(): DomainError {
  return refusal('invalid', {
    pointer: '?dryRun',
    rule: 'choice',
    detail: 'The value is none of the choices',
    fix: 'Give one of: true, false.',
  });
}

const RETRY_SECONDS = 1;
const MAX_QUOTED = 100;
