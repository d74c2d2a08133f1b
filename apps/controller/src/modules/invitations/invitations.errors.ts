import { DomainError, refusal } from '../../platform/http/domain-error.js';

export function memberAlready(name: string): DomainError {
  return refusal('conflict', {
    pointer: '/userName',
    rule: 'member_already',
    detail: `"${name}" is a member of the tenant`,
    fix: 'Give the member another role instead.',
  });
}

export function invitedAlready(name: string): DomainError {
  return refusal('conflict', {
    pointer: '/userName',
    rule: 'invited_already',
    detail: `There is an invitation for "${name}"`,
    fix: 'Withdraw it before you make another.',
  });
}

export function tooManyInvitations(maximum: number): DomainError {
  const detail = `The tenant has ${maximum} invitations that nobody has answered. Withdraw some first.`;
  return new DomainError('conflict', 'too_many_invitations', detail);
}

/** Of who became a member another way after the invitation was made. */
export function ownMembershipAlready(): DomainError {
  const detail = 'You are a member of this tenant. Decline the invitation.';
  return new DomainError('conflict', 'member_already', detail);
}
