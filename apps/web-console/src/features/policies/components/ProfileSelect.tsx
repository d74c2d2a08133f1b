import { NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { failureOf } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { tenantQuery } from '../../access/queries.js';
import { profilesQuery } from '../../profiles/queries.js';
import { cipherName, PRODUCT_NAME } from '../../profiles/wording.js';
import { useTenantId } from '../../session/use-tenant.js';

interface ProfileSelectProps {
  /** Null: the default one. */
  readonly value: string | null;
  readonly error: ReactNode;
  readonly onChange: (profileId: string | null) => void;
}

/** The profile of the tunnels of a rule. */
export function ProfileSelect({ value, error, onChange }: ProfileSelectProps): ReactNode {
  const tenantId = useTenantId();
  const profiles = useQuery(profilesQuery(tenantId));
  const tenant = useQuery(tenantQuery(tenantId)).data;
  const named = [...(profiles.data?.items ?? [])].sort((a, b) => compareNames(a.name, b.name));
  const standard = named.find(({ id }) => id === tenant?.defaultProfileId)?.name ?? PRODUCT_NAME;
  // A rule keeps what it has, though nobody can say what it is called.
  const unread = value !== null && !named.some(({ id }) => id === value);
  return (
    <NativeSelect
      label="Profile"
      description="A pair of edges has one tunnel, and it one profile: rules between the same sites choose the same."
      data={[
        { value: '', label: tenant === undefined ? 'the default' : `the default: ${standard}` },
        ...named.map(({ id, name, esp }) => ({ value: id, label: `${name} (${cipherName(esp)})` })),
        ...(unread ? [{ value, label: profiles.isPending ? 'as before' : 'deleted profile' }] : []),
      ]}
      value={value ?? ''}
      error={
        error ?? (profiles.error === null ? undefined : `Profiles cannot be read: ${failureOf(profiles.error).detail}`)
      }
      onChange={(event) => onChange(event.currentTarget.value === '' ? null : event.currentTarget.value)}
    />
  );
}
