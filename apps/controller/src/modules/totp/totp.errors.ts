import { DomainError, refusal } from '../../platform/http/domain-error.js';

/** The password was right. */
export function codeRequired(): DomainError {
  const detail = 'This user has a second factor. Give its code, too: of the authenticator, or a recovery code.';
  return new DomainError('unauthenticated', 'code_required', detail);
}

/** At login. */
export function wrongCode(): DomainError {
  const detail = 'The code is wrong, is not good any more, or was used already. Wait for the next one.';
  return new DomainError('unauthenticated', 'wrong_code', detail);
}

/** Of somebody who is logged in. */
export function codeRefused(): DomainError {
  return refusal('invalid', {
    pointer: '/code',
    rule: 'wrong_code',
    detail: 'The code is wrong, is not good any more, or was used already',
    fix: 'Give the one that the authenticator shows now; its clock must be right.',
  });
}

export function totpPresent(): DomainError {
  const detail = 'You have a second factor already. Remove it first.';
  return new DomainError('conflict', 'totp_present', detail);
}

export function totpAbsent(): DomainError {
  const detail = 'There is no second factor that waits for its first code, or it has waited for too long. Begin anew.';
  return new DomainError('conflict', 'totp_absent', detail);
}
