import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { AuditLog } from '../../api/index.js';
import { saveFile } from '../../lib/save-file.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { CheckIcon, SaveIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { StateMark } from '../../ui/StateMark.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { announceFailure } from '../../ui/use-write.js';
import { useTenantId } from '../session/use-tenant.js';
import { EntryTable } from './components/EntryTable.js';
import { SearchForm } from './components/SearchForm.js';
import { auditQuery, readWholeLog } from './queries.js';
import { type AuditSearch, conditionsOf, isNarrowed, pageText } from './search.js';

/** Who did what in the tenant, and whether the chain of its entries holds. */
export function AuditPage(): ReactNode {
  const tenantId = useTenantId();
  const search = useSearch({ from: '/signed-in/audit' });
  const log = useQuery(auditQuery(tenantId, search));
  return (
    <>
      <PageHeader title="Audit log" summary={log.data === undefined ? ' ' : <Chain brokenAt={log.data.brokenAt} />}>
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
      <SearchForm conditions={conditionsOf(search)} />
      {log.isPending && <TableSkeleton rows={6} />}
      {log.error !== null && <FailureNotice error={log.error} />}
      {log.data !== undefined && <Entries log={log.data} search={search} />}
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

/** All of the log, whatever is looked for: the hashes of a part chain nothing. */
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
      Export whole log
    </Button>
  );
}

function Entries({ log, search }: { readonly log: AuditLog; readonly search: AuditSearch }): ReactNode {
  const conditions = conditionsOf(search);
  if (log.items.length === 0) return <NoEntries search={search} />;
  return (
    <>
      <div className="w-toolbar">
        <span className="w-dim w-small" role="status">
          {pageText(log, conditions)}
        </span>
      </div>
      <EntryTable entries={log.items} conditions={conditions} />
      <Group gap="xs" mt={12}>
        {search.before !== undefined && (
          <LinkButton to="/audit" search={conditions} variant="default">
            Newest entries
          </LinkButton>
        )}
        {log.next !== null && (
          <LinkButton to="/audit" search={{ ...conditions, before: log.next }} variant="default">
            Older entries
          </LinkButton>
        )}
      </Group>
    </>
  );
}

function NoEntries({ search }: { readonly search: AuditSearch }): ReactNode {
  const { since, until } = search;
  if (since !== undefined && until !== undefined && since >= until)
    return <p className="w-none">“Until” is not after “From”, so that no entry can match.</p>;
  if (isNarrowed(search))
    return <p className="w-none">No entry matches. Names are looked for exactly as they are in the log.</p>;
  return <p className="w-none">Nothing has been done yet that is kept here.</p>;
}
