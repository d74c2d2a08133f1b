import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { RoleSelect } from '../../access/dialogs/RoleSelect.js';
import type { Role } from '../../access/roles.js';
import { useTenantId } from '../../session/use-tenant.js';
import { invite } from '../queries.js';

interface InviteValues {
  readonly userName: string;
  readonly role: Role;
}

/** How long an invitation waits. */
const LIFETIME_DAYS = 7;

/** Invites somebody who has a login. */
export function InviteDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm<InviteValues>({ userName: '', role: 'viewer' });
  const save = useWrite(({ userName, role }: InviteValues) =>
    invite(tenantId, { userName: userName.trim(), role, lifetimeDays: LIFETIME_DAYS }),
  );
  return (
    <FormDialog
      title="Invite a member"
      submit="Invite"
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description={`By which the person logs in. They find the invitation on their page Access, for ${LIFETIME_DAYS} days.`}
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('userName')}
      />
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
