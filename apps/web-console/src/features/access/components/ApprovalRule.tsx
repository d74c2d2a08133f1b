import { Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Tenant } from '../../../api/index.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { changeApprovalRule, tenantQuery } from '../queries.js';
import { AccessSection } from './AccessSection.js';

/** Whether nothing comes into force before somebody else has approved it, for admins. */
export function ApprovalRule(): ReactNode {
  const tenantId = useTenantId();
  const { data, error } = useQuery(tenantQuery(tenantId));
  const changing = useWrite(
    ({ tenant, required }: { tenant: Tenant; required: boolean }) => changeApprovalRule(tenant, required),
    { announce: true },
  );
  return (
    <AccessSection
      title="Approval"
      lead="Before a draft or an earlier revision comes into force. Who approves has not changed the draft and does not publish it."
      failure={error}
      loaded={data !== undefined}
    >
      <Switch
        label="Publishing needs the approval of a second person"
        description="In force at once. Your name is kept in the audit log."
        checked={data?.approvalRequired === true}
        disabled={changing.isPending || data === undefined}
        onChange={({ currentTarget: { checked: required } }) => data && changing.mutate({ tenant: data, required })}
      />
    </AccessSection>
  );
}
