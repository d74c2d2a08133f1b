import type { Approval, Draft, Session } from '../../api/index.js';
import { ROLES, type Role } from '../access/roles.js';

/** Where a draft, or the return of an earlier revision, stands with its second person, for one reader. */
export interface ApprovalStanding {
  /** Those of exactly this. */
  readonly approvals: readonly Approval[];
  /** Whether the reader may publish it as far as approvals go. */
  readonly open: boolean;
  /** Why the reader cannot approve it; undefined: they can. */
  readonly cannot: 'role' | 'break_glass' | 'own_change' | 'approved' | undefined;
}

/** @param restoredFrom the revision that is to come back; null: it is about the draft */
export function approvalStanding(
  draft: Pick<Draft, 'approvalRequired' | 'approvals' | 'changedBy'>,
  restoredFrom: number | null,
  reader: Pick<Session, 'userName' | 'breakGlass'> & { readonly role: Role },
): ApprovalStanding {
  const approvals = draft.approvals.filter((approval) => approval.restoredFrom === restoredFrom);
  const byOthers = approvals.some(({ approver }) => approver !== reader.userName);
  return { approvals, open: byOthers || !draft.approvalRequired || reader.breakGlass, cannot: obstacle() };

  function obstacle(): ApprovalStanding['cannot'] {
    if (ROLES.indexOf(reader.role) < ROLES.indexOf('approver')) return 'role';
    if (reader.breakGlass) return 'break_glass';
    if (restoredFrom === null && draft.changedBy.includes(reader.userName)) return 'own_change';
    return approvals.some(({ approver }) => approver === reader.userName) ? 'approved' : undefined;
  }
}
