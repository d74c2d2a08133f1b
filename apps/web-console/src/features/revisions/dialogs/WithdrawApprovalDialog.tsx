import type { ReactNode } from 'react';
import type { Approval } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { withdrawApproval } from '../queries.js';

interface WithdrawApprovalDialogProps {
  readonly approval: Approval;
  readonly onClose: () => void;
}

/** Takes back what the reader has approved; says so when it is published already. */
export function WithdrawApprovalDialog({ approval, onClose }: WithdrawApprovalDialogProps): ReactNode {
  const tenantId = useTenantId();
  const withdrawal = useWrite(() => withdrawApproval(tenantId, approval.id));
  const { restoredFrom } = approval;
  return (
    <ConfirmDialog
      title="Take back your approval?"
      confirm="Take back approval"
      act={() => withdrawal.mutateAsync(undefined)}
      onClose={onClose}
    >
      {restoredFrom === null ? 'The draft' : `That revision ${restoredFrom} comes back`} needs an approval again before
      somebody publishes it, and the audit log says so. Once somebody has published by yours, or changed the draft, it
      is over, and there is nothing to take back.
    </ConfirmDialog>
  );
}
