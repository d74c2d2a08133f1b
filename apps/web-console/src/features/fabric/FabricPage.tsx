import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Tenant } from '../../api/index.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { LockIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { tenantQuery } from '../access/queries.js';
import { ownRole } from '../access/roles.js';
import { draftQuery } from '../revisions/queries.js';
import { sessionQuery } from '../session/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { sitesQuery } from '../sites/queries.js';
import { SettingsForm } from './components/SettingsForm.js';
import { TopologyForm } from './components/TopologyForm.js';
import { TunnelStartForm } from './components/TunnelStartForm.js';
import { topologyQuery } from './queries.js';
import { topologyProblems } from './settings.js';
import { tunnelStartProblems } from './tunnel-start.js';

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
      {data !== undefined && <TunnelStartSection tenant={data} locked={role !== 'admin'} />}
      {data !== undefined && <TopologySection tenantId={data.id} locked={role !== 'admin'} />}
    </>
  );
}

function TunnelStartSection({ tenant, locked }: { readonly tenant: Tenant; readonly locked: boolean }): ReactNode {
  const draft = useQuery(draftQuery(tenant.id)).data;
  return (
    <TunnelStartForm
      key={`${tenant.id} ${JSON.stringify(tenant.tunnelStart)}`}
      tenant={tenant}
      problems={tunnelStartProblems(draft?.problems ?? [])}
      locked={locked}
    />
  );
}

/** Which of the sites have tunnels with each other. */
function TopologySection({ tenantId, locked }: { readonly tenantId: string; readonly locked: boolean }): ReactNode {
  const { data: topology, error } = useQuery(topologyQuery(tenantId));
  const sites = useQuery(sitesQuery(tenantId)).data?.items;
  const draft = useQuery(draftQuery(tenantId)).data;
  if (error !== null) return <FailureNotice error={error} />;
  if (topology === undefined || sites === undefined) return <TableSkeleton rows={1} rowHeight={180} />;
  return (
    <TopologyForm
      key={`${tenantId} ${topology.version}`}
      tenantId={tenantId}
      topology={topology}
      sites={sites}
      problems={topologyProblems(draft?.problems ?? [])}
      locked={locked}
    />
  );
}
