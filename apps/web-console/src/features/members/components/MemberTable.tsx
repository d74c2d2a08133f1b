import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Member } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { DeleteIcon, EditIcon, MoreIcon } from '../../../ui/icons.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { useWrite } from '../../../ui/use-write.js';
import { AccessSection } from '../../access/components/AccessSection.js';
import { ROLE_MEANINGS } from '../../access/roles.js';
import { useTenantId } from '../../session/use-tenant.js';
import { MemberRoleDialog } from '../dialogs/MemberRoleDialog.js';
import { membersQuery, removeMember } from '../queries.js';

interface Open {
  readonly dialog: 'role' | 'remove';
  readonly member: Member;
}

/** Members with their roles. */
export function MemberTable({ ownName }: { readonly ownName: string }): ReactNode {
  const { data, error } = useQuery(membersQuery(useTenantId()));
  const [open, setOpen] = useState<Open>();
  const close = (): void => setOpen(undefined);
  return (
    <AccessSection
      title="Members"
      lead="What you change is in force with their next request. Passwords are no matter of membership."
      failure={error}
      loaded={data !== undefined}
    >
      <table className="w-table">
        <thead>
          <tr>
            <th>Name</th>
            <th>Role</th>
            <th>Member since</th>
            <th aria-label="Actions" />
          </tr>
        </thead>
        <tbody>
          {data?.items.map((member) => (
            <tr key={member.userId} data-member={member.userName}>
              <td>
                <span className="w-strong">{member.userName}</span>
                {member.userName === ownName && <span className="w-dim w-beside">you</span>}
              </td>
              <td>
                <Tooltip label={ROLE_MEANINGS[member.role]}>
                  <span>{member.role}</span>
                </Tooltip>
                {member.oidc && (
                  <Tooltip label="The OpenID provider says this role, at each login. It is changed there.">
                    <span className="w-dim w-beside">by the provider</span>
                  </Tooltip>
                )}
              </td>
              <td>
                <RelativeTime at={member.joinedAt} />
              </td>
              <td className="w-right">
                <MemberMenu member={member} onOpen={setOpen} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {open?.dialog === 'role' && <MemberRoleDialog member={open.member} onClose={close} />}
      {open?.dialog === 'remove' && <RemoveDialog member={open.member} onClose={close} />}
    </AccessSection>
  );
}

interface MemberMenuProps {
  readonly member: Member;
  readonly onOpen: (open: Open) => void;
}

function MemberMenu({ member, onOpen }: MemberMenuProps): ReactNode {
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${member.userName}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!member.oidc && (
          <>
            <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onOpen({ dialog: 'role', member })}>
              Change role
            </Menu.Item>
            <Menu.Divider />
          </>
        )}
        <Menu.Item
          color="red"
          leftSection={<DeleteIcon size={15} />}
          onClick={() => onOpen({ dialog: 'remove', member })}
        >
          Remove member
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function RemoveDialog({ member, onClose }: { readonly member: Member; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const removal = useWrite(() => removeMember(tenantId, member));
  return (
    <ConfirmDialog
      title={`Remove ${member.userName}?`}
      confirm="Remove member"
      act={() => removal.mutateAsync(undefined)}
      onClose={onClose}
    >
      Sessions in this tenant and API tokens for it end at once. The login goes with it unless it is one of another
      tenant, too.
    </ConfirmDialog>
  );
}
