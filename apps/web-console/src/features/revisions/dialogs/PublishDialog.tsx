import { Button, Group, Modal, Skeleton, Stack, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { failureOf, type ProblemEntry } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { WarningIcon } from '../../../ui/icons.js';
import { useWrite } from '../../../ui/use-write.js';
import { placeOfProblem } from '../../policies/problems.js';
import { policiesQuery } from '../../policies/queries.js';
import { useTenantId } from '../../session/use-tenant.js';
import { AffectedEdges } from '../components/AffectedEdges.js';
import { ApplicationList, applicationSummary } from '../components/ApplicationList.js';
import { draftQuery, publish, revisionQuery } from '../queries.js';

/** Shows what publishing touches, publishes with a comment, then follows the edges until they run it. */
export function PublishDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const publishing = useWrite((comment: string) => publish(tenantId, comment));
  const number = publishing.data?.revision?.number;
  return (
    <Modal
      opened
      onClose={onClose}
      title={number === undefined ? 'Publish changes' : `Revision ${number} is published`}
      size="lg"
    >
      {number === undefined ? (
        <Review error={publishing.error} busy={publishing.isPending} onPublish={publishing.mutate} onClose={onClose} />
      ) : (
        <Progress number={number} onClose={onClose} />
      )}
    </Modal>
  );
}

interface ReviewProps {
  readonly error: unknown;
  readonly busy: boolean;
  readonly onPublish: (comment: string) => void;
  readonly onClose: () => void;
}

function Review({ error, busy, onPublish, onClose }: ReviewProps): ReactNode {
  const { data: draft } = useQuery(draftQuery(useTenantId()));
  const [comment, setComment] = useState('');
  const refused = error === null || error === undefined ? [] : failureOf(error).errors;
  const problems = refused.length > 0 ? refused : (draft?.problems ?? []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onPublish(comment);
      }}
    >
      <Stack gap="md">
        {draft === undefined && <Skeleton height={90} />}
        {error !== null && error !== undefined && <FailureNotice error={error} entries={[]} />}
        {problems.length > 0 && <ProblemList problems={problems} />}
        {draft !== undefined && problems.length === 0 && (
          <section>
            <div className="w-label">What it touches</div>
            <AffectedEdges edges={draft.affectedEdges} />
          </section>
        )}
        {problems.length === 0 && (
          <Textarea
            label="Comment"
            description="For whoever reads the history."
            placeholder="Open HTTPS from the branches to the data centre"
            autosize
            minRows={2}
            maxRows={5}
            data-autofocus
            value={comment}
            onChange={(event) => setComment(event.currentTarget.value)}
          />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {problems.length > 0 ? 'Close' : 'Cancel'}
          </Button>
          {problems.length === 0 && (
            <Button type="submit" loading={busy} disabled={draft === undefined}>
              Publish
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
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
