import type { ReactNode } from 'react';
import type { Profile } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { deleteProfile } from '../queries.js';

/** Removes a profile from the draft, unless a rule names it or it is the default. */
export function DeleteProfileDialog({
  profile,
  onClose,
}: {
  readonly profile: Profile;
  readonly onClose: () => void;
}): ReactNode {
  const tenantId = useTenantId();
  const removal = useWrite(() => deleteProfile(tenantId, profile));
  return (
    <ConfirmDialog
      title={`Delete ${profile.name}?`}
      confirm="Delete profile"
      act={() => removal.mutateAsync(undefined)}
      onClose={onClose}
    >
      A profile can be deleted once no rule names it and another one is the default.
    </ConfirmDialog>
  );
}
