import { DomainError, refusal } from '../../platform/http/domain-error.js';

/** One answer for an unknown user and a wrong password: nobody learns which names exist. */
export function wrongCredentials(): DomainError {
  return new DomainError('unauthenticated', 'wrong_credentials', 'The user name or the password is wrong.');
}

export function wrongCurrentPassword(): DomainError {
  return refusal('invalid', {
    pointer: '/currentPassword',
    rule: 'wrong_current_password',
    detail: 'This is not the password of the user',
    fix: 'Give the one that you log in with now.',
  });
}

/** Of a user who logs in at the OpenID provider, which has passwords and second factors of its own. */
export function noPassword(): DomainError {
  const detail =
    'You log in at the OpenID provider, and have no password here. Change it, or set up a second factor, there.';
  return new DomainError('conflict', 'no_password', detail);
}

export function tooManyAttempts(retryAfterSeconds: number): DomainError {
  const detail = `Too many failed attempts. Try again in ${retryAfterSeconds} seconds.`;
  return new DomainError('rate_limited', 'too_many_attempts', detail, [], retryAfterSeconds);
}

export function tooManyLogins(retryAfterSeconds: number): DomainError {
  return new DomainError(
    'rate_limited',
    'too_many_logins',
    'Too many logins at once. Try again.',
    [],
    retryAfterSeconds,
  );
}
