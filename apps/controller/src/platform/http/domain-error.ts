import type { ProblemEntry } from './schemas.js';

/** Who or what is at fault, in words that know nothing of HTTP. */
export type ErrorKind =
  | 'malformed'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media_type'
  | 'invalid'
  | 'precondition_failed'
  | 'precondition_required'
  | 'rate_limited'
  | 'unavailable';

/**
 * A request that is refused, for a reason that its sender can do something about. Nothing was changed.
 * `code` is stable and names the rule; `entries` point at the values at fault.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';

  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    detail: string,
    readonly entries: readonly ProblemEntry[] = [],
    /** After which a refusal for too many attempts may have gone; seconds. */
    readonly retryAfterSeconds?: number,
  ) {
    super(detail);
  }
}

/** One value at fault: the detail of the problem is the detail of its only entry. */
export function refusal(kind: ErrorKind, entry: ProblemEntry): DomainError {
  return new DomainError(kind, entry.rule, `${entry.detail}. ${entry.fix}`, [entry]);
}

/** Nothing by this name here, or nothing that the user may see: the same answer for both. */
export function notFound(noun: string, id: string): DomainError {
  return new DomainError('not_found', `unknown_${noun}`, `There is no ${noun} ${id}.`);
}
