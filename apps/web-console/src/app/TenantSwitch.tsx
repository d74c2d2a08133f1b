import { Menu, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { tenantsQuery } from '../features/session/queries.js';
import { useEnterTenant } from '../features/session/use-enter-tenant.js';
import { useTenantId } from '../features/session/use-tenant.js';
import { SortIcon } from '../ui/icons.js';

/** In which tenant the reader works, for who has a choice. */
export function TenantSwitch(): ReactNode {
  const tenantId = useTenantId();
  const tenants = useQuery(tenantsQuery).data?.items ?? [];
  const enter = useEnterTenant();
  if (tenants.length < 2) return null;
  return (
    <Menu position="bottom-start" width="target">
      <Menu.Target>
        <UnstyledButton className="w-nav-search" aria-label="Tenant">
          <span>{tenants.find(({ id }) => id === tenantId)?.name}</span>
          <SortIcon size={15} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah="60vh" style={{ overflowY: 'auto' }}>
        {tenants.map(({ id, name }) => (
          <Menu.Item key={id} disabled={id === tenantId} onClick={() => void enter(id)}>
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
