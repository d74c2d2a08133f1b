import { PasswordInput, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { RemoveTotp } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { removeTotp } from '../queries.js';

/** Goes back to the password alone. */
export function RemoveTotpDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { form, failure, refuse } = useProblemForm<RemoveTotp>({ currentPassword: '', code: '' });
  const remove = useWrite(removeTotp);
  return (
    <FormDialog
      title="Remove second factor"
      submit="Remove"
      busy={remove.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => remove.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <Text size="sm">Your password alone lets you in then. The recovery codes go, too.</Text>
      <PasswordInput
        label="Current password"
        autoComplete="current-password"
        data-autofocus
        {...form.getInputProps('currentPassword')}
      />
      <TextInput
        label="Code"
        description="Of the authenticator, or a recovery code."
        autoComplete="one-time-code"
        maxLength={40}
        {...form.getInputProps('code')}
      />
    </FormDialog>
  );
}
