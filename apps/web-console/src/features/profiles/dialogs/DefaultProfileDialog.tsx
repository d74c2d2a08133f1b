import type { ReactNode } from 'react';
import type { Profile } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { chooseDefaultProfile } from '../queries.js';
import { PRODUCT_NAME } from '../wording.js';

/** Makes a profile, or that of the product, the one of rules that choose none. */
export function DefaultProfileDialog({
  profile,
  onClose,
}: {
  readonly profile: Profile | null;
  readonly onClose: () => void;
}): ReactNode {
  const tenantId = useTenantId();
  const choice = useWrite(() => chooseDefaultProfile(tenantId, profile?.id ?? null));
  return (
    <FormDialog
      title={`Make ${profile?.name ?? PRODUCT_NAME} the default?`}
      submit="Make default"
      busy={choice.isPending}
      failure={choice.isError && <FailureNotice error={choice.error} />}
      onSubmit={(event) => {
        event.preventDefault();
        choice.mutate(undefined, { onSuccess: onClose });
      }}
      onClose={onClose}
    >
      <div>
        Rules that choose no profile have this one with the next revision. Their tunnels are made anew then: traffic
        waits until both ends have it, seconds as a rule.
      </div>
    </FormDialog>
  );
}
