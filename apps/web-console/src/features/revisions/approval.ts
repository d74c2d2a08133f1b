import type { Approval, Draft, Session } from '../../api/index.js';
import { ROLES, type Role } from '../access/roles.js';

/** Where a draft, or the return of an earlier revision, stands with its second person, for one reader. */
export interface ApprovalStanding {
  /** Those of exactly this. */
  readonly approvals: readonly Approval[];
  /** The reader's own, which only they take back; undefined: they have given none. */
  readonly own: Approval | undefined;
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
  const own = approvals.find(({ approver }) => approver === reader.userName);
  const byOthers = approvals.some((approval) => approval !== own);
  return { approvals, own, open: byOthers || !draft.approvalRequired || reader.breakGlass, cannot: obstacle() };

  function obstacle(): ApprovalStanding['cannot'] {
    if (ROLES.indexOf(reader.role) < ROLES.indexOf('approver')) return 'role';
    if (reader.breakGlass) return 'break_glass';
    if (restoredFrom === null && draft.changedBy.includes(reader.userName)) return 'own_change';
    return own === undefined ? undefined : 'approved';
  }
}
