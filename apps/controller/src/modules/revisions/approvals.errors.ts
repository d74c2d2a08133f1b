import { DomainError } from '../../platform/http/domain-error.js';

/** Nothing comes into force here before somebody else has approved it. `ownOnly`: who publishes it has, and nobody else. */
export function approvalRequired(ownOnly: boolean, restoredFrom: number | null): DomainError {
  const what = restoredFrom === null ? 'it' : `that revision ${restoredFrom} comes back`;
  const detail = ownOnly
    ? 'You have approved it yourself. Have somebody else publish it, or somebody else approve it, who has the role approver and has not changed it.'
    : 'This tenant wants the approval of a second person. Have somebody with the role approver, who has not changed the draft, approve ' +
      `${what} (POST …/revisions/draft/approvals). Any change after that voids it.`;
  return new DomainError('conflict', 'approval_required', detail);
}

export function ownChange(): DomainError {
  const detail = 'You have changed this draft since the last revision. Have somebody approve it who has not.';
  return new DomainError('forbidden', 'own_change', detail);
}

export function alreadyApproved(): DomainError {
  return new DomainError('conflict', 'already_approved', 'You have approved exactly this already; it counts once.');
}

export function othersApproval(approver: string): DomainError {
  const detail = `${approver} has given this approval, and only they take it back. To end it, change the draft.`;
  return new DomainError('forbidden', 'others_approval', detail);
}

/** Whoever has the host of the controller: maybe the author. */
export function breakGlassApprovesNothing(): DomainError {
  const detail =
    'Nobody knows who is in a break-glass session, so it approves nothing. It needs no approval itself: publish, and the audit log says so.';
  return new DomainError('forbidden', 'break_glass_session', detail);
}
