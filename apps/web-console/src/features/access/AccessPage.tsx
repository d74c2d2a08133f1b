import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { LockIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { Invitations } from '../session/Invitations.js';
import { sessionQuery } from '../session/queries.js';
import { ApiTokens } from './components/ApiTokens.js';
import { ApprovalRule } from './components/ApprovalRule.js';
import { OwnSessions } from './components/OwnSessions.js';
import { SecondFactor } from './components/SecondFactor.js';
import { Users } from './components/Users.js';
import { PasswordDialog } from './dialogs/PasswordDialog.js';
import { ownRole } from './roles.js';

/** Who may log in and with what: users and their roles, API tokens, own sessions. */
export function AccessPage(): ReactNode {
  const session = useQuery(sessionQuery).data;
  const [changing, setChanging] = useState(false);
  if (session === undefined) return null;
  const admin = ownRole(session) === 'admin';
  return (
    <>
      <PageHeader title="Access" summary={`You are ${session.userName}, ${ownRole(session)} of this tenant`}>
        {!session.oidc && (
          <Button variant="default" leftSection={<LockIcon size={15} />} onClick={() => setChanging(true)}>
            Change password
          </Button>
        )}
      </PageHeader>
      <Invitations />
      {admin && <Users session={session} />}
      {admin && <ApprovalRule />}
      <ApiTokens session={session} />
      {!session.oidc && <SecondFactor />}
      <OwnSessions />
      {changing && <PasswordDialog onClose={() => setChanging(false)} />}
    </>
  );
}
