import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { plural } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { PlusIcon, PoolIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { externalPeersQuery } from '../external-peers/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { sitesQuery } from '../sites/queries.js';
import { type AddressPoolAction, AddressPoolTable } from './components/AddressPoolTable.js';
import { AddressPoolDialog } from './dialogs/AddressPoolDialog.js';
import { DeleteAddressPoolDialog } from './dialogs/DeleteAddressPoolDialog.js';
import { addressPoolsQuery } from './queries.js';

/** What hosts that come from anywhere have their addresses of. */
export function AddressPoolsPage(): ReactNode {
  const tenantId = useTenantId();
  const pools = useQuery(addressPoolsQuery(tenantId));
  const peers = useQuery(externalPeersQuery(tenantId));
  const sites = useQuery(sitesQuery(tenantId));
  const [open, setOpen] = useState<AddressPoolAction | 'add'>();
  const close = (): void => setOpen(undefined);
  const failure = pools.error ?? peers.error ?? sites.error;
  const loaded = pools.data && peers.data && sites.data;
  const hosts = peers.data?.items.filter(({ assigned }) => assigned !== undefined).length ?? 0;
  const add = (
    <Button
      leftSection={<PlusIcon size={15} />}
      disabled={!loaded || sites.data.items.length === 0}
      onClick={() => setOpen('add')}
    >
      Add address pool
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Address pools"
        summary={
          loaded
            ? `${plural(pools.data.items.length, 'address pool')} for ${plural(hosts, 'remote host')}. Each host has its address for good.`
            : ' '
        }
      >
        {add}
      </PageHeader>
      {!loaded && (failure === null ? <TableSkeleton rows={3} rowHeight={58} /> : <FailureNotice error={failure} />)}
      {loaded && pools.data.items.length === 0 && <NoPools hasSites={sites.data.items.length > 0} add={add} />}
      {loaded && pools.data.items.length > 0 && (
        <AddressPoolTable
          pools={pools.data.items}
          peers={peers.data.items}
          sites={sites.data.items}
          onAction={setOpen}
        />
      )}
      {loaded && open === 'add' && <AddressPoolDialog sites={sites.data.items} onClose={close} />}
      {loaded && open !== undefined && open !== 'add' && open.kind === 'edit' && (
        <AddressPoolDialog pool={open.pool} sites={sites.data.items} onClose={close} />
      )}
      {open !== undefined && open !== 'add' && open.kind === 'delete' && (
        <DeleteAddressPoolDialog pool={open.pool} onClose={close} />
      )}
    </>
  );
}

function NoPools({ hasSites, add }: { readonly hasSites: boolean; readonly add: ReactNode }): ReactNode {
  return (
    <EmptyNotice
      icon={<PoolIcon size={28} />}
      title="No address pools yet"
      action={hasSites ? add : <LinkButton to="/sites">Go to sites</LinkButton>}
    >
      An address pool is for remote hosts, such as notebooks: they come from anywhere to the edge of its site, and each
      is assigned an address of it.{' '}
      {hasSites
        ? 'Add one, then the hosts as external peers, and a rule that names the pool then says what they may reach.'
        : 'It begins with a site that has an edge.'}
    </EmptyNotice>
  );
}
