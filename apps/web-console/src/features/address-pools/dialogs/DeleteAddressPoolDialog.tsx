import type { ReactNode } from 'react';
import type { AddressPool } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { deleteAddressPool } from '../queries.js';

/** Removes a pool from the draft, unless a host has an address of it or a rule names it. */
export function DeleteAddressPoolDialog({
  pool,
  onClose,
}: {
  readonly pool: AddressPool;
  readonly onClose: () => void;
}): ReactNode {
  const tenantId = useTenantId();
  const removal = useWrite(() => deleteAddressPool(tenantId, pool));
  return (
    <ConfirmDialog
      title={`Delete ${pool.name}?`}
      confirm="Delete address pool"
      act={() => removal.mutateAsync(undefined)}
      onClose={onClose}
    >
      An address pool can be deleted once no host has an address of it and no rule names it.
    </ConfirmDialog>
  );
}
