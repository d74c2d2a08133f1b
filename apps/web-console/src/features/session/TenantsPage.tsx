import { Button, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { Wordmark } from '../../ui/Wordmark.js';
import { Invitations } from './Invitations.js';
import { tenantsQuery } from './queries.js';
import { useEnterTenant } from './use-enter-tenant.js';

/** Where a member of several tenants says in which one to work. */
export function TenantsPage(): ReactNode {
  const { data, error } = useQuery(tenantsQuery);
  const enter = useEnterTenant();
  return (
    <main className="w-login">
      <div className="w-login-card">
        <Wordmark size={30} />
        <p className="w-login-lead">In which tenant do you want to work?</p>
        <Stack gap="xs">
          {data?.items.map(({ id, name }) => (
            <Button key={id} variant="default" fullWidth onClick={() => void enter(id)}>
              {name}
            </Button>
          ))}
          {error !== null && <FailureNotice error={error} />}
        </Stack>
        <Invitations />
      </div>
    </main>
  );
}
