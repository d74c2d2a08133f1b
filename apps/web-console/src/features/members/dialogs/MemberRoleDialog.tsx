import type { ReactNode } from 'react';
import type { Member } from '../../../api/index.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { RoleSelect } from '../../access/dialogs/RoleSelect.js';
import type { Role } from '../../access/roles.js';
import { useTenantId } from '../../session/use-tenant.js';
import { changeMemberRole } from '../queries.js';

interface MemberRoleDialogProps {
  readonly member: Member;
  readonly onClose: () => void;
}

/** Gives a member another role. */
export function MemberRoleDialog({ member, onClose }: MemberRoleDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm<{ role: Role }>({ role: member.role });
  const save = useWrite(({ role }: { role: Role }) => changeMemberRole(tenantId, member, role));
  return (
    <FormDialog
      title={`Change the role of ${member.userName}`}
      submit="Save"
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <RoleSelect
        label="Role"
        greatest="admin"
        value={form.getValues().role}
        error={form.errors['role']}
        onChange={(value) => value !== '' && form.setFieldValue('role', value)}
      />
    </FormDialog>
  );
}
