import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Session, User } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { DeleteIcon, EditIcon, LockIcon, MoreIcon, PlusIcon, RevokeIcon } from '../../../ui/icons.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { UserDialog } from '../dialogs/UserDialog.js';
import { UserPasswordDialog } from '../dialogs/UserPasswordDialog.js';
import { deleteUser, resetUserTotp, usersQuery } from '../queries.js';
import { ROLE_MEANINGS } from '../roles.js';
import { AccessSection } from './AccessSection.js';

type Open =
  | { readonly dialog: 'add' }
  | { readonly dialog: 'edit' | 'password' | 'reset' | 'delete'; readonly user: User };

/** Users of the tenant, for its admins. */
export function Users({ session }: { readonly session: Session }): ReactNode {
  const { data, error } = useQuery(usersQuery(useTenantId()));
  const [open, setOpen] = useState<Open>();
  const close = (): void => setOpen(undefined);
  return (
    <AccessSection
      title="Users"
      lead="Accounts that this tenant keeps. Who else has a role here is on the page Members; what you change is in force with their next request."
      action={
        <Button leftSection={<PlusIcon size={15} />} onClick={() => setOpen({ dialog: 'add' })}>
          Add user
        </Button>
      }
      failure={error}
      loaded={data !== undefined}
    >
      <table className="w-table">
        <thead>
          <tr>
            <th>Name</th>
            <th>Role</th>
            <th>Role of the provider</th>
            <th>Second factor</th>
            <th>Made</th>
            <th aria-label="Actions" />
          </tr>
        </thead>
        <tbody>
          {data?.items.map((user) => (
            <tr key={user.id} data-user={user.name}>
              <td>
                <span className="w-strong">{user.name}</span>
                {user.name === session.userName && <span className="w-dim w-beside">you</span>}
              </td>
              <td>
                <Tooltip label={ROLE_MEANINGS[user.role]}>
                  <span>{user.role}</span>
                </Tooltip>
              </td>
              <td>{user.providerRole ?? <span className="w-dim">–</span>}</td>
              <td>
                <SecondFactorOf user={user} />
              </td>
              <td>
                <RelativeTime at={user.createdAt} />
              </td>
              <td className="w-right">
                <UserMenu user={user} own={user.name === session.userName} onOpen={setOpen} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {open?.dialog === 'add' && <UserDialog session={session} onClose={close} />}
      {open?.dialog === 'edit' && <UserDialog session={session} user={open.user} onClose={close} />}
      {open?.dialog === 'password' && <UserPasswordDialog user={open.user} onClose={close} />}
      {open?.dialog === 'reset' && <ResetTotpDialog user={open.user} onClose={close} />}
      {open?.dialog === 'delete' && <DeleteUserDialog user={open.user} onClose={close} />}
    </AccessSection>
  );
}

function SecondFactorOf({ user }: { readonly user: User }): ReactNode {
  if (user.oidc === null) return user.totp ? 'yes' : <span className="w-dim">none</span>;
  return (
    <Tooltip label={`Logs in at ${user.oidc.issuer}, as ${user.oidc.subject}`}>
      <span className="w-dim">at the provider</span>
    </Tooltip>
  );
}

interface UserMenuProps {
  readonly user: User;
  /** Whether it is the reader, who removes the own second factor elsewhere. */
  readonly own: boolean;
  readonly onOpen: (open: Open) => void;
}

function UserMenu({ user, own, onOpen }: UserMenuProps): ReactNode {
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${user.name}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {user.oidc === null && (
          <>
            <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onOpen({ dialog: 'edit', user })}>
              Change role
            </Menu.Item>
            <Menu.Item leftSection={<LockIcon size={15} />} onClick={() => onOpen({ dialog: 'password', user })}>
              Set password
            </Menu.Item>
          </>
        )}
        {user.totp && !own && (
          <Menu.Item leftSection={<RevokeIcon size={15} />} onClick={() => onOpen({ dialog: 'reset', user })}>
            Reset second factor
          </Menu.Item>
        )}
        {user.oidc === null && <Menu.Divider />}
        <Menu.Item
          color="red"
          leftSection={<DeleteIcon size={15} />}
          onClick={() => onOpen({ dialog: 'delete', user })}
        >
          Delete user
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function DeleteUserDialog({ user, onClose }: { readonly user: User; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const removal = useWrite(() => deleteUser(tenantId, user));
  return (
    <ConfirmDialog
      title={`Delete ${user.name}?`}
      confirm="Delete user"
      act={() => removal.mutateAsync(undefined)}
      onClose={onClose}
    >
      The user is no member of this tenant any more: sessions here and API tokens end at once, and the account too
      unless it is one of another tenant. What the user did stays in the audit log.
    </ConfirmDialog>
  );
}

function ResetTotpDialog({ user, onClose }: { readonly user: User; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const reset = useWrite(() => resetUserTotp(tenantId, user));
  return (
    <ConfirmDialog
      title={`Reset the second factor of ${user.name}?`}
      confirm="Reset second factor"
      act={() => reset.mutateAsync(undefined)}
      onClose={onClose}
    >
      The password alone lets the user in then, until a new one is set up. All sessions of the user end.
    </ConfirmDialog>
  );
}
