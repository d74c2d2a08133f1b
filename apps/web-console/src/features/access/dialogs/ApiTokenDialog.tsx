import { Button, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { NewApiToken } from '../../../api/index.js';
import { formatExact } from '../../../lib/format-time.js';
import { CopyLine } from '../../../ui/CopyLine.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createApiToken } from '../queries.js';
import type { Role } from '../roles.js';
import { RoleSelect } from './RoleSelect.js';

const LIFETIME_DAYS = 90;
const LIFETIME_DAYS_MAXIMUM = 366;

interface ApiTokenDialogProps {
  /** No token does more than its maker may. */
  readonly greatest: Role;
  readonly onClose: () => void;
}

interface TokenValues {
  readonly name: string;
  readonly role: Role;
  readonly lifetimeDays: number | string;
}

/** Makes a token, then shows it: once. */
export function ApiTokenDialog({ greatest, onClose }: ApiTokenDialogProps): ReactNode {
  const [made, setMade] = useState<NewApiToken>();
  return made === undefined ? (
    <TokenForm greatest={greatest} onClose={onClose} onMade={setMade} />
  ) : (
    <MadeToken token={made} onClose={onClose} />
  );
}

function TokenForm(props: ApiTokenDialogProps & { readonly onMade: (token: NewApiToken) => void }): ReactNode {
  const { greatest, onClose, onMade } = props;
  const tenantId = useTenantId();
  const { form, failure, refuse } = useProblemForm<TokenValues>({
    name: '',
    role: 'viewer',
    lifetimeDays: LIFETIME_DAYS,
  });
  const save = useWrite(({ name, role, lifetimeDays }: TokenValues) =>
    createApiToken(tenantId, {
      name: name.trim(),
      role,
      lifetimeDays: lifetimeDays === '' ? LIFETIME_DAYS : Number(lifetimeDays),
    }),
  );
  return (
    <FormDialog
      title="Make API token"
      submit="Make API token"
      busy={save.isPending}
      failure={failure && <FailureNotice {...failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onMade, onError: refuse }))}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description="What it is for, so that you know later what stops when you revoke it."
        placeholder="nightly export"
        data-autofocus
        {...form.getInputProps('name')}
      />
      <RoleSelect
        label="Role"
        greatest={greatest}
        value={form.getValues().role}
        error={form.errors['role']}
        onChange={(value) => value !== '' && form.setFieldValue('role', value)}
      />
      <NumberInput
        label="Days that it is good for"
        min={1}
        max={LIFETIME_DAYS_MAXIMUM}
        allowDecimal={false}
        {...form.getInputProps('lifetimeDays')}
      />
    </FormDialog>
  );
}

function MadeToken({ token, onClose }: { readonly token: NewApiToken; readonly onClose: () => void }): ReactNode {
  return (
    <Modal
      opened
      onClose={onClose}
      title={`API token ${token.name}`}
      size="lg"
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack gap="md">
        <Text size="sm">
          Copy it now: it is not shown again. Programs send it as <code>Authorization: Bearer …</code> until{' '}
          {formatExact(Date.parse(token.expiresAt))}.
        </Text>
        <CopyLine text={token.token} label="Copy the API token" />
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
