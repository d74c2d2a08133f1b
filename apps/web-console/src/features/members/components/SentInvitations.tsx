import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Invitation } from '../../../api/index.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { useWrite } from '../../../ui/use-write.js';
import { AccessSection } from '../../access/components/AccessSection.js';
import { useTenantId } from '../../session/use-tenant.js';
import { invitationsQuery, withdrawInvitation } from '../queries.js';

/** Invitations that nobody has answered. */
export function SentInvitations(): ReactNode {
  const tenantId = useTenantId();
  const { data, error } = useQuery(invitationsQuery(tenantId));
  const withdraw = useWrite((invitation: Invitation) => withdrawInvitation(tenantId, invitation), { announce: true });
  if (data?.items.length === 0) return null;
  return (
    <AccessSection
      title="Invitations"
      lead="Not answered yet. There may be nobody by that name: the controller does not say."
      failure={error}
      loaded={data !== undefined}
    >
      <table className="w-table">
        <thead>
          <tr>
            <th>Name</th>
            <th>Role</th>
            <th>Invited by</th>
            <th>Ends</th>
            <th aria-label="Actions" />
          </tr>
        </thead>
        <tbody>
          {data?.items.map((invitation) => (
            <tr key={invitation.id} data-invitation={invitation.userName}>
              <td>{invitation.userName}</td>
              <td>{invitation.role}</td>
              <td>{invitation.invitedBy}</td>
              <td>
                <RelativeTime at={invitation.expiresAt} />
              </td>
              <td className="w-right">
                <Button
                  size="compact-xs"
                  variant="subtle"
                  color="red"
                  loading={withdraw.isPending && withdraw.variables.id === invitation.id}
                  onClick={() => withdraw.mutate(invitation)}
                >
                  Withdraw
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </AccessSection>
  );
}
