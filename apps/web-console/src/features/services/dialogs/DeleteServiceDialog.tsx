import type { ReactNode } from 'react';
import type { NamedService } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { deleteService } from '../queries.js';

/** Removes a named service from the draft, unless a rule names it. */
export function DeleteServiceDialog({
  service,
  onClose,
}: {
  readonly service: NamedService;
  readonly onClose: () => void;
}): ReactNode {
  const tenantId = useTenantId();
  const removal = useWrite(() => deleteService(tenantId, service));
  return (
    <ConfirmDialog
      title={`Delete ${service.name}?`}
      confirm="Delete service"
      act={() => removal.mutateAsync(undefined)}
      onClose={onClose}
    >
      A service can be deleted once no rule names it.
    </ConfirmDialog>
  );
}
