import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { AuditEntry } from '../../api/index.js';
import { matchesFilter } from '../../lib/compare.js';
import { saveFile } from '../../lib/save-file.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { FilterInput } from '../../ui/FilterInput.js';
import { CheckIcon, SaveIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { RelativeTime } from '../../ui/RelativeTime.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { announceFailure } from '../../ui/use-write.js';
import { useTenantId } from '../session/use-tenant.js';
import { actionLabel, detailsText, textsOf } from './describe.js';
import { auditQuery, readWholeLog } from './queries.js';

/** Who did what in the tenant, and whether the chain of its entries holds. */
export function AuditPage(): ReactNode {
  const tenantId = useTenantId();
  const log = useInfiniteQuery(auditQuery(tenantId));
  const first = log.data?.pages[0];
  return (
    <>
      <PageHeader title="Audit log" summary={first === undefined ? ' ' : <Chain brokenAt={first.brokenAt} />}>
        <Button
          variant="default"
          leftSection={<CheckIcon size={15} />}
          loading={log.isRefetching}
          onClick={() => void log.refetch()}
        >
          Verify again
        </Button>
        <ExportButton tenantId={tenantId} />
      </PageHeader>
      {log.isPending && <TableSkeleton rows={6} />}
      {log.error !== null && <FailureNotice error={log.error} />}
      {log.data !== undefined && (
        <Entries
          entries={log.data.pages.flatMap(({ items }) => items)}
          older={log.hasNextPage ? () => void log.fetchNextPage() : undefined}
          loading={log.isFetchingNextPage}
        />
      )}
    </>
  );
}

/** The controller looks at the whole chain for every answer. */
function Chain({ brokenAt }: { readonly brokenAt: number | null }): ReactNode {
  if (brokenAt === null)
    return (
      <StateMark tone="up" label="The whole chain holds: each entry is as it was written, and follows the one before" />
    );
  return (
    <StateMark
      tone="down"
      label={`The chain is broken at entry ${brokenAt}: it is not as it was written, or does not follow the one before`}
    />
  );
}

function ExportButton({ tenantId }: { readonly tenantId: string }): ReactNode {
  const [busy, setBusy] = useState(false);
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      saveFile('audit-log.json', JSON.stringify(await readWholeLog(tenantId), null, 2));
    } catch (error) {
      announceFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button variant="default" leftSection={<SaveIcon size={15} />} loading={busy} onClick={() => void save()}>
      Export
    </Button>
  );
}

interface EntriesProps {
  readonly entries: readonly AuditEntry[];
  /** Reads more of them; undefined when there are no more. */
  readonly older: (() => void) | undefined;
  readonly loading: boolean;
}

function Entries({ entries, older, loading }: EntriesProps): ReactNode {
  const [filter, setFilter] = useState('');
  const shown = entries.filter((entry) => matchesFilter(filter, textsOf(entry)));
  // Numbers have no gap, so that the newest says how many there are.
  const all = entries[0]?.sequence ?? 0;
  if (all === 0) return <p className="w-none">Nothing has been done yet that is kept here.</p>;
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by person, action or detail" />
        <span className="w-dim w-small" role="status">
          {shown.length} of the {entries.length} newest of {all}
        </span>
      </div>
      {shown.length > 0 && <EntryTable entries={shown} />}
      {shown.length === 0 && <p className="w-none">No entry that was read matches.</p>}
      {older !== undefined && (
        <Button variant="default" mt={12} loading={loading} onClick={older}>
          Read older entries
        </Button>
      )}
    </>
  );
}

function EntryTable({ entries }: { readonly entries: readonly AuditEntry[] }): ReactNode {
  return (
    <table className="w-table">
      <thead>
        <tr>
          <th className="w-right">Entry</th>
          <th>When</th>
          <th>Who</th>
          <th>What</th>
          <th>Details</th>
          <th>Hash</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.sequence} data-audit-entry={entry.sequence}>
            <td className="w-right w-numeric">{entry.sequence}</td>
            <td>
              <RelativeTime at={entry.at} />
            </td>
            <td className="w-strong">{entry.actor}</td>
            <td>{actionLabel(entry.action)}</td>
            <td className="w-wrap">{detailsText(entry.details)}</td>
            <td className="w-dim w-fingerprint" title={entry.hash}>
              {entry.hash.slice(0, 12)}…
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
