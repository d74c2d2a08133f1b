import { DomainError, refusal } from '../../platform/http/domain-error.js';
import type { Role } from '../../platform/http/role.js';

export function tokenNameTaken(name: string): DomainError {
  return refusal('conflict', {
    pointer: '/name',
    rule: 'name_taken',
    detail: `You have a token "${name}" already`,
    fix: 'Choose another name, or revoke that token first.',
  });
}

export function roleOfMakerExceeded(role: Role): DomainError {
  return refusal('forbidden', {
    pointer: '/role',
    rule: 'role_exceeded',
    detail: `Your own role here is ${role}, and no token may do more than its maker`,
    fix: `Give ${role} or less.`,
  });
}

export function tooManyTokens(maximum: number): DomainError {
  const detail = `You have ${maximum} tokens already. Revoke those that are not needed any more.`;
  return new DomainError('conflict', 'too_many_tokens', detail);
}

/** One answer for what is no token, is none any more, or is none of ours. */
export function invalidToken(): DomainError {
  const detail =
    'The API token is unknown, has expired or was revoked. Make another on the page Access of the console.';
  return new DomainError('unauthenticated', 'invalid_token', detail);
}

export function tooManyRequests(milliseconds: number): DomainError {
  const seconds = Math.ceil(milliseconds / 1000);
  const detail = `Too many requests with API tokens. Try again in ${seconds} seconds.`;
  return new DomainError('rate_limited', 'too_many_requests', detail, [], seconds);
}
