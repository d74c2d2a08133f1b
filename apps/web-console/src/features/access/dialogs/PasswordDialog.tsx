import { PasswordInput, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { changePassword } from '../queries.js';

/** Changes the reader's own password. */
export function PasswordDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { form, failure, refuse } = useProblemForm({ currentPassword: '', newPassword: '' });
  const save = useWrite(changePassword);
  return (
    <FormDialog
      title="Change your password"
      submit="Change password"
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <Text size="sm">All your other sessions end.</Text>
      <PasswordInput
        label="Current password"
        autoComplete="current-password"
        data-autofocus
        {...form.getInputProps('currentPassword')}
      />
      <PasswordInput
        label="New password"
        description="At least 12 characters."
        autoComplete="new-password"
        {...form.getInputProps('newPassword')}
      />
    </FormDialog>
  );
}
