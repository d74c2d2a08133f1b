import type { ReactNode } from 'react';
import type { Group } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { deleteGroup } from '../queries.js';

/** Removes a group from the draft, unless a rule names it. */
export function DeleteGroupDialog({
  group,
  onClose,
}: {
  readonly group: Group;
  readonly onClose: () => void;
}): ReactNode {
  const tenantId = useTenantId();
  const removal = useWrite(() => deleteGroup(tenantId, group));
  return (
    <ConfirmDialog
      title={`Delete ${group.name}?`}
      confirm="Delete group"
      act={() => removal.mutateAsync(undefined)}
      onClose={onClose}
    >
      A group can be deleted once no rule names it. Its members stay what they are.
    </ConfirmDialog>
  );
}
