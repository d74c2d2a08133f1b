import { PasswordInput, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Session, User } from '../../../api/index.js';
import { DialogFailure } from '../../../ui/DialogFailure.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { createUser, updateUser } from '../queries.js';
import type { Role } from '../roles.js';
import { RoleSelect } from './RoleSelect.js';

interface UserDialogProps {
  /** Of who asks: only an admin of the provider gives its roles. */
  readonly session: Session;
  /** Whose role changes; absent for a new one. */
  readonly user?: User;
  readonly onClose: () => void;
}

interface UserValues {
  readonly name: string;
  readonly password: string;
  readonly role: Role;
  /** Empty: none of the provider's people. */
  readonly providerRole: Role | '';
}

/** Makes a user, or gives one another role. */
export function UserDialog({ session, user, onClose }: UserDialogProps): ReactNode {
  const tenantId = useTenantId();
  const ofProvider = session.providerRole === 'admin';
  const { form, failure, refuse } = useProblemForm<UserValues>({
    name: user?.name ?? '',
    password: '',
    role: user?.role ?? 'viewer',
    providerRole: user?.providerRole ?? '',
  });
  const save = useWrite(({ name, password, role, providerRole }: UserValues) => {
    const roles = { role, ...(ofProvider && { providerRole: providerRole === '' ? null : providerRole }) };
    return user === undefined
      ? createUser(tenantId, { name: name.trim(), password, ...roles })
      : updateUser(tenantId, user, roles);
  });
  const { role, providerRole } = form.getValues();
  return (
    <FormDialog
      title={user === undefined ? 'Add user' : `Change the role of ${user.name}`}
      submit={user === undefined ? 'Add user' : 'Save'}
      busy={save.isPending}
      failure={<DialogFailure failure={failure} />}
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: onClose, onError: refuse }))}
      onClose={onClose}
    >
      {user === undefined && (
        <>
          <TextInput
            label="Name"
            description="By which the user logs in."
            autoComplete="off"
            data-autofocus
            {...form.getInputProps('name')}
          />
          <PasswordInput
            label="Password"
            description="At least 12 characters. The user can change it."
            autoComplete="new-password"
            {...form.getInputProps('password')}
          />
        </>
      )}
      <RoleSelect
        label="Role"
        greatest="admin"
        value={role}
        error={form.errors['role']}
        onChange={(value) => value !== '' && form.setFieldValue('role', value)}
      />
      {ofProvider && (
        <RoleSelect
          label="Role of the provider, in every tenant"
          greatest="admin"
          none="none"
          value={providerRole}
          error={form.errors['providerRole']}
          onChange={(value) => form.setFieldValue('providerRole', value)}
        />
      )}
    </FormDialog>
  );
}
