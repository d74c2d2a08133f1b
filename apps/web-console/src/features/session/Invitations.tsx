import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { OwnInvitation } from '../../api/index.js';
import { RelativeTime } from '../../ui/RelativeTime.js';
import { useWrite } from '../../ui/use-write.js';
import { acceptInvitation, declineInvitation, ownInvitationsQuery } from './queries.js';

/** Tenants that the reader is invited into; nothing when there are none. */
export function Invitations(): ReactNode {
  const invitations = useQuery(ownInvitationsQuery).data?.items ?? [];
  if (invitations.length === 0) return null;
  return (
    <section className="w-access" aria-label="Invitations">
      <header className="w-access-head">
        <div>
          <h2>Invitations</h2>
          <p className="w-none">Tenants that want you as a member. Your login stays the same.</p>
        </div>
      </header>
      {invitations.map((invitation) => (
        <InvitationRow key={invitation.id} invitation={invitation} />
      ))}
    </section>
  );
}

function InvitationRow({ invitation }: { readonly invitation: OwnInvitation }): ReactNode {
  const { tenantName, role, invitedBy, expiresAt } = invitation;
  const accept = useWrite(() => acceptInvitation(invitation), { announce: true });
  const decline = useWrite(() => declineInvitation(invitation), { announce: true });
  return (
    <Group justify="space-between" gap="xs" data-own-invitation={tenantName}>
      <span>
        <b className="w-strong">{tenantName}</b> as {role}, by {invitedBy}; ends <RelativeTime at={expiresAt} />
      </span>
      <Group gap="xs">
        <Button size="compact-sm" loading={accept.isPending} onClick={() => accept.mutate(undefined)}>
          Accept
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          loading={decline.isPending}
          onClick={() => decline.mutate(undefined)}
        >
          Decline
        </Button>
      </Group>
    </Group>
  );
}
