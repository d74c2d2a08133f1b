import { Button, Group, Modal, Skeleton, Stack, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Approval, type Draft, failureOf, type ProblemEntry } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { WarningIcon } from '../../../ui/icons.js';
import { useWrite } from '../../../ui/use-write.js';
import { placeOfProblem } from '../../policies/problems.js';
import { policiesQuery } from '../../policies/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { ApplicationList, applicationSummary } from '../components/ApplicationList.js';
import { ApprovalFields, useApprovalStanding } from '../components/ApprovalFields.js';
import { DiffView } from '../components/DiffView.js';
import { FindingList } from '../components/FindingList.js';
import { OverrideFields, SHORTEST_REASON } from '../components/OverrideFields.js';
import { losingMuch, RemovalFields } from '../components/RemovalFields.js';
import { draftDiffQuery, draftQuery, type PublishRequest, publish, revisionQuery } from '../queries.js';
import { WithdrawApprovalDialog } from './WithdrawApprovalDialog.js';

/** Shows what publishing changes and whether it may, publishes with a comment, then follows the edges until they run it. */
export function PublishDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const publishing = useWrite((request: PublishRequest) => publish(tenantId, request));
  const [withdrawn, setWithdrawn] = useState<Approval>();
  const number = publishing.data?.revision?.number;
  const onTop = withdrawn === undefined;
  return (
    <>
      <Modal
        opened
        onClose={onClose}
        closeOnEscape={onTop}
        trapFocus={onTop}
        title={number === undefined ? 'Publish changes' : `Revision ${number} is published`}
        size="lg"
      >
        {number === undefined ? (
          <Review
            error={publishing.error}
            busy={publishing.isPending}
            onPublish={publishing.mutate}
            onWithdraw={setWithdrawn}
            onClose={onClose}
          />
        ) : (
          <Progress number={number} onClose={onClose} />
        )}
      </Modal>
      {withdrawn !== undefined && (
        <WithdrawApprovalDialog approval={withdrawn} onClose={() => setWithdrawn(undefined)} />
      )}
    </>
  );
}

interface ReviewProps {
  readonly error: unknown;
  readonly busy: boolean;
  readonly onPublish: (request: PublishRequest) => void;
  readonly onWithdraw: (own: Approval) => void;
  readonly onClose: () => void;
}

function Review({ error, busy, onPublish, onWithdraw, onClose }: ReviewProps): ReactNode {
  const { data: draft, error: unread } = useQuery(draftQuery(useTenantId()));
  const [comment, setComment] = useState('');
  const [reason, setReason] = useState<string>();
  const [agreed, setAgreed] = useState(false);
  const losing = losingMuch(draft?.affectedEdges);
  const failed = (draft?.findings.length ?? 0) > 0;
  const overriding = failed && reason !== undefined;
  const compiles = draft !== undefined && draft.problems.length === 0;
  const settled = losing.length === 0 || agreed;
  const approved = useApprovalStanding(draft, null)?.open === true;
  const ready = compiles && settled && approved && (!failed || (overriding && reason.trim().length >= SHORTEST_REASON));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!ready) return;
        const agreeToRemovals = losing.length > 0;
        onPublish({
          comment,
          version: draft.version,
          reason: overriding ? reason.trim() : undefined,
          agreeToRemovals,
        });
      }}
    >
      <Stack gap="md">
        {draft === undefined && (unread === null ? <Skeleton height={90} /> : <FailureNotice error={unread} />)}
        {error !== null && error !== undefined && <FailureNotice error={error} entries={newEntries(error, draft)} />}
        {draft !== undefined && <Verdict draft={draft} />}
        {draft !== undefined && compiles && (
          <ApprovalFields draft={draft} restoredFrom={null} failedProof={failed} onWithdraw={onWithdraw} />
        )}
        {failed && <OverrideFields reason={reason} onChange={setReason} />}
        {losing.length > 0 && <RemovalFields edges={losing} agreed={agreed} onChange={setAgreed} />}
        {compiles && (!failed || overriding) && (
          <Textarea
            label="Comment"
            description="For whoever reads the history."
            placeholder="Open HTTPS from the branches to the data centre"
            autosize
            minRows={2}
            maxRows={5}
            data-autofocus={!failed}
            value={comment}
            onChange={(event) => setComment(event.currentTarget.value)}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {ready ? 'Cancel' : 'Close'}
          </Button>
          {compiles && (!failed || overriding) && (
            <Button type="submit" loading={busy} disabled={!ready} {...(failed ? { color: 'red' } : {})}>
              {failed ? 'Override and publish' : 'Publish'}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

/** What is wrong with it, or what it would change. */
function Verdict({ draft }: { readonly draft: Draft }): ReactNode {
  if (draft.problems.length > 0) return <ProblemList problems={draft.problems} />;
  return (
    <>
      {draft.findings.length > 0 && (
        <section>
          <p className="w-flush">It cannot be published as it is: this was to be proven, and is not so.</p>
          <FindingList findings={draft.findings} />
        </section>
      )}
      <DraftDiff version={draft.version} />
    </>
  );
}

function DraftDiff({ version }: { readonly version: string }): ReactNode {
  const { data: diff, error } = useQuery(draftDiffQuery(useTenantId(), version));
  if (diff !== undefined) return <DiffView diff={diff} />;
  return error === null ? <Skeleton height={90} /> : <FailureNotice error={error} />;
}

/** What the controller refuses and the draft on screen does not say already. */
function newEntries(error: unknown, draft: Draft | undefined): readonly ProblemEntry[] {
  const known = new Set([...(draft?.problems ?? []), ...(draft?.findings ?? [])].map(({ detail }) => detail));
  return failureOf(error).errors.filter(({ detail }) => !known.has(detail));
}

function ProblemList({ problems }: { readonly problems: readonly ProblemEntry[] }): ReactNode {
  const policies = useQuery(policiesQuery(useTenantId())).data?.items ?? [];
  return (
    <section>
      <p className="w-flush">Nothing was published. Every edge keeps running what it runs. To solve first:</p>
      <ul className="w-problems">
        {problems.map((problem) => (
          <li key={`${problem.pointer} ${problem.rule} ${problem.detail}`}>
            <WarningIcon size={15} aria-hidden />
            <div>
              <b>{placeOfProblem(problem, policies) ?? <code>{problem.pointer}</code>}</b>
              <div>{problem.detail}</div>
              <div className="w-dim">{problem.fix}</div>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Progress({ number, onClose }: { readonly number: number; readonly onClose: () => void }): ReactNode {
  const { data: revision } = useQuery(revisionQuery(useTenantId(), number));
  return (
    <Stack gap="md">
      {revision === undefined ? (
        <Skeleton height={90} />
      ) : (
        <section>
          <div className="w-label" role="status">
            {applicationSummary(revision)}
          </div>
          <ApplicationList edges={revision.edges} />
        </section>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose} data-autofocus>
          Done
        </Button>
      </Group>
    </Stack>
  );
}
