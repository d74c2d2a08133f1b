import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { plural } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { GroupIcon, PlusIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { externalPeersQuery } from '../external-peers/queries.js';
import { policiesQuery } from '../policies/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { networksQuery, sitesQuery } from '../sites/queries.js';
import { type GroupAction, GroupTable } from './components/GroupTable.js';
import { DeleteGroupDialog } from './dialogs/DeleteGroupDialog.js';
import { GroupDialog } from './dialogs/GroupDialog.js';
import { groupsQuery } from './queries.js';

/** What rules name many sites and networks by. */
export function GroupsPage(): ReactNode {
  const tenantId = useTenantId();
  const groups = useQuery(groupsQuery(tenantId));
  const policies = useQuery(policiesQuery(tenantId));
  const sites = useQuery(sitesQuery(tenantId));
  const networks = useQuery(networksQuery(tenantId));
  const peers = useQuery(externalPeersQuery(tenantId));
  const [open, setOpen] = useState<GroupAction | 'add'>();
  const close = (): void => setOpen(undefined);
  const failure = groups.error ?? policies.error ?? sites.error ?? networks.error ?? peers.error;
  const names = sites.data &&
    networks.data &&
    peers.data && { sites: sites.data.items, networks: networks.data.items, externalPeers: peers.data.items };
  const loaded = groups.data && policies.data && names;
  const add = (
    <Button leftSection={<PlusIcon size={15} />} disabled={!names} onClick={() => setOpen('add')}>
      Add group
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Groups"
        summary={
          loaded
            ? `${plural(groups.data.items.length, 'group')}. A rule that names one is about whatever its members hold.`
            : ' '
        }
      >
        {add}
      </PageHeader>
      {!loaded && (failure === null ? <TableSkeleton rows={3} rowHeight={58} /> : <FailureNotice error={failure} />)}
      {loaded && groups.data.items.length === 0 && (
        <EmptyNotice icon={<GroupIcon size={28} />} title="No groups yet" action={add}>
          A group holds sites, networks, external peers and prefixes, or all that carry a label, those of later, too. A
          rule names it instead of each of them.
        </EmptyNotice>
      )}
      {loaded && groups.data.items.length > 0 && (
        <GroupTable groups={groups.data.items} policies={policies.data.items} names={names} onAction={setOpen} />
      )}
      {names && open === 'add' && <GroupDialog names={names} onClose={close} />}
      {names && open !== undefined && open !== 'add' && open.kind === 'edit' && (
        <GroupDialog group={open.group} names={names} onClose={close} />
      )}
      {open !== undefined && open !== 'add' && open.kind === 'delete' && (
        <DeleteGroupDialog group={open.group} onClose={close} />
      )}
    </>
  );
}
