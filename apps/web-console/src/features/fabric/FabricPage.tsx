import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { LockIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { tenantQuery } from '../access/queries.js';
import { ownRole } from '../access/roles.js';
import { sessionQuery } from '../session/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { SettingsForm } from './components/SettingsForm.js';

/** How the edges of the tenant protect what goes between them: everybody sees it, admins choose. */
export function FabricPage(): ReactNode {
  const session = useQuery(sessionQuery).data;
  const { data, error } = useQuery(tenantQuery(useTenantId()));
  if (session === undefined) return null;
  const role = ownRole(session);
  return (
    <>
      <PageHeader
        title="Fabric settings"
        summary="How edges protect what goes between them, as the draft has it. A change is in force with the next published revision."
      />
      {role !== 'admin' && (
        <p className="w-locked">
          <LockIcon size={15} aria-hidden />
          Only admins of the tenant change how its fabric works. You are {role}.
        </p>
      )}
      {data === undefined &&
        (error === null ? <TableSkeleton rows={4} rowHeight={96} /> : <FailureNotice error={error} />)}
      {data !== undefined && <SettingsForm key={data.id} tenant={data} locked={role !== 'admin'} />}
    </>
  );
}
