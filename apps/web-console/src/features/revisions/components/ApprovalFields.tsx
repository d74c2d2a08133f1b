import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Approval, Draft } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import { useWrite } from '../../../ui/use-write.js';
import { ownRole } from '../../access/roles.js';
import { sessionQuery } from '../../session/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { type ApprovalStanding, approvalStanding } from '../approval.js';
import { approve } from '../queries.js';

interface ApprovalFieldsProps {
  readonly draft: Draft;
  /** The revision that is to come back instead of the draft; null: none. */
  readonly restoredFrom: number | null;
  /** Whether a proof of it fails, which is approved with it. */
  readonly failedProof: boolean;
  /** The reader wants their approval back: it is for whoever has these fields to ask first, over its own dialog. */
  readonly onWithdraw: (own: Approval) => void;
}

/** Who has approved this, and what the reader can do about it; nothing where no second person is asked for. */
export function ApprovalFields({ draft, restoredFrom, failedProof, onWithdraw }: ApprovalFieldsProps): ReactNode {
  const tenantId = useTenantId();
  const standing = useApprovalStanding(draft, restoredFrom);
  const approving = useWrite(() => approve(tenantId, draft.version, { failedProof, restoredFrom }));
  if (standing === undefined || (!draft.approvalRequired && standing.approvals.length === 0)) return null;
  return (
    <section className="w-override" aria-label="Approval" data-approval={standing.open ? 'given' : 'missing'}>
      <div className="w-label">Approval by a second person</div>
      {standing.approvals.map((approval) => (
        <GivenApproval
          key={approval.id}
          approval={approval}
          onWithdraw={approval === standing.own ? onWithdraw : undefined}
        />
      ))}
      {(!standing.open || standing.cannot === 'break_glass') && (
        <p className="w-flush w-dim">{WORDS[standing.cannot ?? 'can']}</p>
      )}
      {approving.isError && <FailureNotice error={approving.error} />}
      {draft.approvalRequired && standing.cannot === undefined && (
        <div>
          <Button variant="default" loading={approving.isPending} onClick={() => approving.mutate(undefined)}>
            {failedProof ? 'Approve although a proof fails' : 'Approve for somebody else to publish'}
          </Button>
        </div>
      )}
    </section>
  );
}

interface GivenApprovalProps {
  readonly approval: Approval;
  /** Undefined: it is not the reader's own. */
  readonly onWithdraw: ((own: Approval) => void) | undefined;
}

function GivenApproval({ approval, onWithdraw }: GivenApprovalProps): ReactNode {
  const { approver, approvedAt, comment } = approval;
  return (
    <Group gap="xs" justify="space-between" wrap="nowrap" align="flex-start" data-approver={approver}>
      <span className="w-state">
        <ToneIcon tone="up" />
        <span>
          Approved by <b>{approver}</b> <RelativeTime at={approvedAt} />
          {comment !== '' && <>: {comment}</>}
        </span>
      </span>
      {onWithdraw !== undefined && (
        <Button variant="default" size="compact-sm" flex="none" onClick={() => onWithdraw(approval)}>
          Take back
        </Button>
      )}
    </Group>
  );
}

/** Undefined: it is not known yet. */
export function useApprovalStanding(
  draft: Draft | undefined,
  restoredFrom: number | null,
): ApprovalStanding | undefined {
  const session = useQuery(sessionQuery).data;
  if (draft === undefined || session === undefined) return undefined;
  return approvalStanding(draft, restoredFrom, { ...session, role: ownRole(session) });
}

const WORDS: Readonly<Record<NonNullable<ApprovalStanding['cannot']> | 'can', string>> = {
  can: 'Nobody has approved it yet. You can, and then somebody else publishes it.',
  break_glass:
    'You came in by break-glass and may publish without an approval. The revision, the audit log and the event say that you did.',
  role: 'Nobody has approved it yet. It takes the role approver.',
  own_change:
    'You have changed it. Somebody with the role approver who has not must approve it; then you can publish it.',
  approved: 'Somebody else than you must publish it. Any change before that ends the approval.',
};
