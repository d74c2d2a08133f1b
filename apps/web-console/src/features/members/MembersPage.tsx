import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { PlusIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { ownRole } from '../access/roles.js';
import { sessionQuery } from '../session/queries.js';
import { MemberTable } from './components/MemberTable.js';
import { SentInvitations } from './components/SentInvitations.js';
import { InviteDialog } from './dialogs/InviteDialog.js';

/** Who has a role in the tenant, and who is invited: for its admins. */
export function MembersPage(): ReactNode {
  const session = useQuery(sessionQuery).data;
  const [inviting, setInviting] = useState(false);
  if (session === undefined) return null;
  if (ownRole(session) !== 'admin') {
    return <PageHeader title="Members" summary="Only admins of the tenant see who its members are" />;
  }
  return (
    <>
      <PageHeader title="Members" summary="People with a role in this tenant; each has one login for all of theirs">
        <Button leftSection={<PlusIcon size={15} />} onClick={() => setInviting(true)}>
          Invite
        </Button>
      </PageHeader>
      <MemberTable ownName={session.userName} />
      <SentInvitations />
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </>
  );
}
