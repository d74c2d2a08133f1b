import { Alert, Button, Group, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import type { Revision, RevisionDetail } from '../../api/index.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { RevisionIcon, WarningIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { RelativeTime } from '../../ui/RelativeTime.js';
import { moveBetweenRows } from '../../ui/row-keys.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useTenantId } from '../session/use-tenant.js';
import { ApplicationList, applicationSummary } from './components/ApplicationList.js';
import { DiffView } from './components/DiffView.js';
import { FindingList } from './components/FindingList.js';
import { RestoreDialog } from './dialogs/RestoreDialog.js';
import { revisionDiffQuery, revisionQuery, revisionsQuery } from './queries.js';
import { pageText } from './search.js';

/** What was published, by whom, and which edges run it. */
export function RevisionsPage(): ReactNode {
  const tenantId = useTenantId();
  const { before } = useSearch({ from: '/signed-in/revisions' });
  const first = useQuery(revisionsQuery(tenantId)).data;
  const { data, error, isPending } = useQuery(revisionsQuery(tenantId, before));
  return (
    <>
      <PageHeader
        title="Revisions"
        summary={
          data === undefined || first === undefined
            ? ' '
            : `${pageText(data.items, newestOf(first))}, newest first. A revision never changes once it is published.`
        }
      />
      {isPending && <TableSkeleton />}
      {data === undefined && error !== null && <FailureNotice error={error} />}
      {data !== undefined &&
        (data.items.length === 0 && before === undefined ? (
          <NoRevisions />
        ) : (
          <History {...data} newest={first && newestOf(first)} />
        ))}
    </>
  );
}

/** Numbers have no holes: it says how many there are. */
function newestOf({ items }: { readonly items: readonly Revision[] }): number {
  return items[0]?.number ?? 0;
}

interface HistoryProps {
  readonly items: readonly Revision[];
  /** Where the list goes on. */
  readonly next: number | null;
  /** The newest revision that there is, listed or not; undefined until it is known. */
  readonly newest: number | undefined;
}

function History({ items, next, newest }: HistoryProps): ReactNode {
  const { number, before } = useSearch({ from: '/signed-in/revisions' });
  const navigate = useNavigate();
  const chosen = number ?? items[0]?.number;
  const choose = (wanted: number): void =>
    void navigate({
      to: '/revisions',
      search: { number: wanted, ...(before === undefined ? {} : { before }) },
      replace: true,
    });
  const onKeyDown = (event: KeyboardEvent, next: number): void => {
    if (event.key === 'Enter') choose(next);
  };
  return (
    <div className="w-split">
      <div>
        <table className="w-table">
          <thead>
            <tr>
              <th className="w-right">No.</th>
              <th>Comment</th>
              <th>Author</th>
              <th>Published</th>
            </tr>
          </thead>
          <tbody onKeyDown={moveBetweenRows}>
            {items.map((revision) => (
              <tr
                key={revision.number}
                tabIndex={0}
                data-selected={revision.number === chosen}
                onClick={() => choose(revision.number)}
                onKeyDown={(event) => onKeyDown(event, revision.number)}
              >
                <td className="w-right w-numeric w-strong">{revision.number}</td>
                <td className="w-wrap">
                  {revision.comment === '' ? <span className="w-dim">No comment</span> : revision.comment}
                  {revision.restoredFrom !== null && <span className="w-tag">restores {revision.restoredFrom}</span>}
                  {revision.overrideReason !== null && <span className="w-tag">proof overridden</span>}
                  {revision.approvalWaived !== null && <span className="w-tag">without approval</span>}
                </td>
                <td>{revision.author}</td>
                <td>
                  <RelativeTime at={revision.publishedAt} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <Pages before={before} next={next} />
      </div>
      {chosen !== undefined && <RevisionPanel number={chosen} newest={chosen === newest} />}
    </div>
  );
}

function Pages({ before, next }: { readonly before: number | undefined; readonly next: number | null }): ReactNode {
  return (
    <Group gap="xs" mt={12}>
      {before !== undefined && (
        <LinkButton to="/revisions" variant="default">
          Newest revisions
        </LinkButton>
      )}
      {next !== null && (
        <LinkButton to="/revisions" search={{ before: next }} variant="default">
          Older revisions
        </LinkButton>
      )}
    </Group>
  );
}

function RevisionPanel({ number, newest }: { readonly number: number; readonly newest: boolean }): ReactNode {
  const { data: revision, error } = useQuery(revisionQuery(useTenantId(), number));
  const [restoring, setRestoring] = useState(false);
  return (
    <section className="w-card" aria-label={`Revision ${number}`}>
      <h2>
        Revision {number}
        {newest && <span className="w-tag">newest</span>}
      </h2>
      {revision === undefined && (error === null ? <Skeleton height={120} /> : <FailureNotice error={error} />)}
      {revision !== undefined && (
        <>
          <p className="w-dim w-flush">{applicationSummary(revision)}</p>
          <ApplicationList edges={revision.edges} />
          <Approved revision={revision} />
          <Overridden revision={revision} />
          <Changes number={number} />
          {!newest && (
            <Button variant="default" size="compact-sm" mt="md" onClick={() => setRestoring(true)}>
              Restore revision {number}
            </Button>
          )}
        </>
      )}
      {restoring && <RestoreDialog number={number} onClose={() => setRestoring(false)} />}
    </section>
  );
}

/** Who else has looked at it before it was published. */
function Approved({ revision }: { readonly revision: RevisionDetail }): ReactNode {
  const { author, approvedBy, approvedAt, approvalWaived } = revision;
  if (approvalWaived !== null) {
    return (
      <Alert color="orange" variant="light" mt="md" icon={<WarningIcon size={18} />} title="Published without approval">
        <p className="w-flush">{author} came in by break-glass. Nobody else had approved it.</p>
      </Alert>
    );
  }
  if (approvedBy === null || approvedAt === null) return null;
  return (
    <p className="w-dim">
      Approved by <b>{approvedBy}</b> <RelativeTime at={approvedAt} />, published by <b>{author}</b>
    </p>
  );
}

/** Why it was published although a proof had failed, and what had. */
function Overridden({ revision }: { readonly revision: RevisionDetail }): ReactNode {
  if (revision.overrideReason === null) return null;
  return (
    <Alert
      color="orange"
      variant="light"
      mt="md"
      icon={<WarningIcon size={18} />}
      title="Published against a failed proof"
    >
      <p className="w-flush">
        {revision.author}: {revision.overrideReason}
      </p>
      <FindingList findings={revision.findings} />
    </Alert>
  );
}

function Changes({ number }: { readonly number: number }): ReactNode {
  const { data: diff, error } = useQuery(revisionDiffQuery(useTenantId(), number));
  if (diff !== undefined) return <DiffView diff={diff} />;
  return error === null ? <Skeleton height={90} mt="md" /> : <FailureNotice error={error} />;
}

function NoRevisions(): ReactNode {
  return (
    <EmptyNotice
      icon={<RevisionIcon size={28} />}
      title="Nothing published yet"
      action={<LinkButton to="/policies">Go to policies</LinkButton>}
    >
      Sites, networks and policies are a draft until you publish them. Each publication is kept here for good.
    </EmptyNotice>
  );
}
