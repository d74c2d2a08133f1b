import { PasswordInput, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { User } from '../../../api/index.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { updateUser } from '../queries.js';

/** Gives somebody else a password. */
export function UserPasswordDialog({
  user,
  onClose,
}: {
  readonly user: User;
  readonly onClose: () => void;
}): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({ password: '' });
  const save = useWrite((values: { password: string }) => updateUser(tenantId, user, values));
  return (
    <FormDialog
      title={`Set the password of ${user.name}`}
      submit="Set password"
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <Text size="sm">All sessions of the user end.</Text>
      <PasswordInput
        label="New password"
        description="At least 12 characters. The user can change it."
        autoComplete="new-password"
        data-autofocus
        {...form.getInputProps('password')}
      />
    </FormDialog>
  );
}
