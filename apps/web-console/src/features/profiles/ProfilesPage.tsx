import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { plural } from '../../lib/format-quantity.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { PlusIcon } from '../../ui/icons.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { tenantQuery } from '../access/queries.js';
import { ownRole } from '../access/roles.js';
import { addressPoolsQuery } from '../address-pools/queries.js';
import { externalPeersQuery } from '../external-peers/queries.js';
import { groupsQuery } from '../groups/queries.js';
import { policiesQuery } from '../policies/queries.js';
import { sessionQuery } from '../session/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { networksQuery, sitesQuery } from '../sites/queries.js';
import { type ProfileAction, ProfileTable } from './components/ProfileTable.js';
import { DefaultProfileDialog } from './dialogs/DefaultProfileDialog.js';
import { DeleteProfileDialog } from './dialogs/DeleteProfileDialog.js';
import { ProfileDialog } from './dialogs/ProfileDialog.js';
import { profilesQuery } from './queries.js';

/** How packets between edges are protected, and how edges negotiate it: what rules choose from, and what they have by default. */
export function ProfilesPage(): ReactNode {
  const tenantId = useTenantId();
  const profiles = useQuery(profilesQuery(tenantId));
  const tenant = useQuery(tenantQuery(tenantId));
  const { policies, names, error } = useRules(tenantId);
  const session = useQuery(sessionQuery).data;
  const [open, setOpen] = useState<ProfileAction | { readonly kind: 'add' }>();
  const close = (): void => setOpen(undefined);
  const failure = profiles.error ?? tenant.error ?? error;
  const loaded = profiles.data !== undefined && tenant.data !== undefined && policies !== undefined;
  return (
    <>
      <PageHeader
        title="Profiles"
        summary={
          loaded
            ? `${plural(profiles.data.items.length, 'profile')} of this tenant. Rules choose one; those that choose none have the default. It takes edges that negotiate (IKEv2) and ESP.`
            : ' '
        }
      >
        <Button leftSection={<PlusIcon size={15} />} onClick={() => setOpen({ kind: 'add' })}>
          Add profile
        </Button>
      </PageHeader>
      {!loaded && (failure === null ? <TableSkeleton rows={3} rowHeight={76} /> : <FailureNotice error={failure} />)}
      {loaded && (
        <ProfileTable
          profiles={profiles.data.items}
          standard={tenant.data.defaultProfileId}
          policies={policies}
          names={names}
          mayChooseDefault={session !== undefined && ownRole(session) === 'admin'}
          onAction={setOpen}
        />
      )}
      {open?.kind === 'add' && <ProfileDialog onClose={close} />}
      {open?.kind === 'edit' && <ProfileDialog profile={open.profile} onClose={close} />}
      {open?.kind === 'delete' && <DeleteProfileDialog profile={open.profile} onClose={close} />}
      {open?.kind === 'default' && <DefaultProfileDialog profile={open.profile} onClose={close} />}
    </>
  );
}

/** The rules of the draft, and what they name. */
function useRules(tenantId: string) {
  const policies = useQuery(policiesQuery(tenantId));
  const sites = useQuery(sitesQuery(tenantId));
  const networks = useQuery(networksQuery(tenantId));
  const addressPools = useQuery(addressPoolsQuery(tenantId));
  const externalPeers = useQuery(externalPeersQuery(tenantId));
  const groups = useQuery(groupsQuery(tenantId));
  const loaded = sites.data && networks.data && addressPools.data && externalPeers.data && groups.data;
  return {
    policies: loaded && policies.data?.items,
    names: {
      sites: sites.data?.items ?? [],
      networks: networks.data?.items ?? [],
      addressPools: addressPools.data?.items ?? [],
      externalPeers: externalPeers.data?.items ?? [],
      groups: groups.data?.items ?? [],
      services: [],
    },
    error:
      [policies, sites, networks, addressPools, externalPeers, groups].find(({ error }) => error !== null)?.error ??
      null,
  };
}
