import { DomainError } from '../platform/http/domain-error.js';

/** RFC 9110 section 13.1.1: a list of entity tags, strongly compared, or "*". */
export function matchesTag(ifMatch: string, version: number | string): boolean {
  return ifMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim() === `"${version}"`);
}

/** Whether the header names a version that somebody has seen, and not just any. */
export function namesOne(ifMatch: string | undefined): ifMatch is string {
  return ifMatch?.includes('"') === true;
}

/**
 * For a write that says itself what it does, so that it needs no version: one that was seen and is no more ends it. Throws DomainError
 * '…_changed'.
 */
export function demandUnchanged(noun: string, version: number | string, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && !matchesTag(ifMatch, version)) throw changedMeanwhile(noun, version);
}

export function ifMatchRequired(noun: string): DomainError {
  const detail = `Read the ${noun} first and send its ETag as If-Match, so that nobody overwrites what they have not seen.`;
  return new DomainError('precondition_required', 'if_match_required', detail);
}

export function changedMeanwhile(noun: string, version: number | string): DomainError {
  const detail = `The ${noun} has changed since it was read; its ETag is "${version}" now. Read it again and repeat the change.`;
  return new DomainError('precondition_failed', `${noun.replaceAll(' ', '_')}_changed`, detail);
}
