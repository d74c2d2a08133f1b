import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { profilesQuery } from '../../profiles/queries.js';
import { espText, ikeText } from '../../profiles/wording.js';
import { useTenantId } from '../../session/use-tenant.js';

/** The name of a profile that a rule chooses, and on it what it says. */
export function ProfileMark({ profileId }: { readonly profileId: string }): ReactNode {
  const profiles = useQuery(profilesQuery(useTenantId())).data?.items;
  if (profiles === undefined) return null;
  const profile = profiles.find(({ id }) => id === profileId);
  return (
    <span
      className="w-selector"
      data-kind="profile"
      title={profile && `ESP ${espText(profile.esp)}; IKE ${ikeText(profile.ike)}`}
    >
      {profile?.name ?? 'deleted profile'}
    </span>
  );
}
