import { Button, Group, Modal, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type Approval, failureOf } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { AffectedEdges } from '../components/AffectedEdges.js';
import { ApprovalFields, useApprovalStanding } from '../components/ApprovalFields.js';
import { OverrideFields, SHORTEST_REASON } from '../components/OverrideFields.js';
import { losingMuch, RemovalFields } from '../components/RemovalFields.js';
import { draftQuery, restore } from '../queries.js';
import { radiusWords } from '../wording.js';
import { WithdrawApprovalDialog } from './WithdrawApprovalDialog.js';

interface RestoreDialogProps {
  readonly number: number;
  readonly onClose: () => void;
}

/** Says what an earlier revision would change if it came back now, and what would be lost; then brings it back. */
export function RestoreDialog({ number, onClose }: RestoreDialogProps): ReactNode {
  const tenantId = useTenantId();
  const navigate = useNavigate();
  const draft = useQuery(draftQuery(tenantId)).data;
  const [reason, setReason] = useState<string>();
  const [agreed, setAgreed] = useState(false);
  const [withdrawn, setWithdrawn] = useState<Approval>();
  const version = draft?.version;
  const request = { comment: `Revision ${number} again`, version: version ?? '', agreeToRemovals: agreed };
  const preview = useQuery({
    queryKey: ['restoration', tenantId, number, version],
    queryFn: () => restore(tenantId, number, { ...request, agreeToRemovals: false, reason: undefined, dryRun: true }),
    enabled: version !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const restoring = useWrite(() => restore(tenantId, number, { ...request, reason: reason?.trim(), dryRun: false }), {
    onSuccess: ({ revision }) => {
      onClose();
      if (revision !== null) void navigate({ to: '/revisions', search: { number: revision.number }, replace: true });
    },
  });
  const failed = preview.error !== null && failureOf(preview.error).status === 422;
  const losing = losingMuch(preview.data?.affectedEdges);
  // A proof that fails says nothing of losses: the controller then says so when it is to be restored.
  const refused = failureOf(restoring.error).errors.some(({ rule }) => rule === 'mass_removal');
  const approved = useApprovalStanding(draft, number)?.open === true;
  const settled =
    (preview.isSuccess && (losing.length === 0 || agreed)) ||
    (failed && (reason?.trim().length ?? 0) >= SHORTEST_REASON);
  return (
    <>
      <Modal
        opened
        onClose={onClose}
        closeOnEscape={withdrawn === undefined}
        trapFocus={withdrawn === undefined}
        title={`Restore revision ${number}`}
        size="lg"
      >
        <Stack gap="md">
          <p className="w-flush">
            Sites, networks, edges and policies become what they were in revision {number}, as a new revision. An edge
            that it does not have is deleted with its certificate.{' '}
            {draft?.changed === true && <b>Your unpublished changes are lost.</b>}
          </p>
          {preview.data !== undefined && (
            <section>
              <div className="w-label">What it changes</div>
              <p className="w-flush">{radiusWords(preview.data.blastRadius).join(', ') || 'Nothing that edges do.'}</p>
              <AffectedEdges edges={preview.data.affectedEdges} />
            </section>
          )}
          {preview.isPending && <Skeleton height={90} />}
          {preview.error !== null && <FailureNotice error={preview.error} />}
          {draft !== undefined && (preview.isSuccess || failed) && (
            <ApprovalFields draft={draft} restoredFrom={number} failedProof={failed} onWithdraw={setWithdrawn} />
          )}
          {failed && <OverrideFields reason={reason} onChange={setReason} />}
          {(losing.length > 0 || refused) && <RemovalFields edges={losing} agreed={agreed} onChange={setAgreed} />}
          {restoring.isError && <FailureNotice error={restoring.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              color="red"
              loading={restoring.isPending}
              disabled={!settled || !approved}
              onClick={() => restoring.mutate(undefined)}
            >
              {failed ? 'Override and restore' : 'Restore'}
            </Button>
          </Group>
        </Stack>
      </Modal>
      {withdrawn !== undefined && (
        <WithdrawApprovalDialog approval={withdrawn} onClose={() => setWithdrawn(undefined)} />
      )}
    </>
  );
}
