import { Checkbox, Textarea, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Policy } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { inputOf } from '../changes.js';
import { createPolicy, replacePolicy } from '../queries.js';

interface PolicyDialogProps {
  /** The policy to rename; absent for a new one. */
  readonly policy?: Policy;
  readonly onClose: () => void;
}

/** Makes a policy, or changes its name, its description, and whether what it allows must be encrypted. */
export function PolicyDialog({ policy, onClose }: PolicyDialogProps): ReactNode {
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm({
    name: policy?.name ?? '',
    description: policy?.description ?? '',
    confidential: policy?.confidential ?? false,
  });
  const save = useWrite((values: { name: string; description: string; confidential: boolean }) =>
    policy === undefined
      ? createPolicy(tenantId, { ...values, enabled: true, rules: [] })
      : replacePolicy(tenantId, policy, { ...inputOf(policy), ...values }),
  );
  return (
    <FormDialog
      title={policy === undefined ? 'Add policy' : `Edit ${policy.name}`}
      submit={policy === undefined ? 'Add policy' : 'Save'}
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      <TextInput label="Name" placeholder="Branch to data centre" data-autofocus {...form.getInputProps('name')} />
      <Textarea label="Description" autosize minRows={2} maxRows={6} {...form.getInputProps('description')} />
      <Checkbox
        label="What it allows must be encrypted"
        description="Then nothing is published that would have AH protect it, which authenticates packets and encrypts nothing."
        {...form.getInputProps('confidential', { type: 'checkbox' })}
      />
    </FormDialog>
  );
}
