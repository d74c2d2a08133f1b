import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { plural } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { PlusIcon, ServiceIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { policiesQuery } from '../policies/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { type ServiceAction, ServiceTable } from './components/ServiceTable.js';
import { DeleteServiceDialog } from './dialogs/DeleteServiceDialog.js';
import { ServiceDialog } from './dialogs/ServiceDialog.js';
import { servicesQuery } from './queries.js';

/** What rules name protocols and ports by. */
export function ServicesPage(): ReactNode {
  const tenantId = useTenantId();
  const services = useQuery(servicesQuery(tenantId));
  const policies = useQuery(policiesQuery(tenantId));
  const [open, setOpen] = useState<ServiceAction | 'add'>();
  const close = (): void => setOpen(undefined);
  const failure = services.error ?? policies.error;
  const loaded = services.data !== undefined && policies.data !== undefined;
  const add = (
    <Button leftSection={<PlusIcon size={15} />} onClick={() => setOpen('add')}>
      Add service
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Services"
        summary={
          loaded
            ? `${plural(services.data.items.length, 'named service')}. A change is one of every rule that names it.`
            : ' '
        }
      >
        {add}
      </PageHeader>
      {!loaded && (failure === null ? <TableSkeleton rows={3} rowHeight={58} /> : <FailureNotice error={failure} />)}
      {loaded && services.data.items.length === 0 && (
        <EmptyNotice icon={<ServiceIcon size={28} />} title="No named services yet" action={add}>
          A service is protocols and ports under one name. A rule names it instead of writing them down again.
        </EmptyNotice>
      )}
      {loaded && services.data.items.length > 0 && (
        <ServiceTable services={services.data.items} policies={policies.data.items} onAction={setOpen} />
      )}
      {open === 'add' && <ServiceDialog onClose={close} />}
      {open !== undefined && open !== 'add' && open.kind === 'edit' && (
        <ServiceDialog service={open.service} onClose={close} />
      )}
      {open !== undefined && open !== 'add' && open.kind === 'delete' && (
        <DeleteServiceDialog service={open.service} onClose={close} />
      )}
    </>
  );
}
