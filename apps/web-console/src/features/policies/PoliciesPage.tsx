import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Policy } from '../../api/index.js';
import { plural } from '../../lib/format-quantity.js';
import { EmptyNotice } from '../../ui/EmptyNotice.js';
import { FailureNotice } from '../../ui/FailureNotice.js';
import { PlusIcon, PolicyIcon, RevisionIcon } from '../../ui/icons.js';
import { LinkButton } from '../../ui/LinkButton.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { TableSkeleton } from '../../ui/TableSkeleton.js';
import { useReordering } from '../../ui/use-reordering.js';
import { addressPoolsQuery } from '../address-pools/queries.js';
import { externalPeersQuery } from '../external-peers/queries.js';
import { groupsQuery } from '../groups/queries.js';
import { PolicyTests } from '../policy-tests/components/PolicyTests.js';
import { draftQuery } from '../revisions/queries.js';
import { servicesQuery } from '../services/queries.js';
import { useTenantId } from '../session/use-tenant.js';
import { networksQuery, sitesQuery } from '../sites/queries.js';
import { type PolicyAction, PolicyCard } from './components/PolicyCard.js';
import type { Names } from './describe.js';
import { PolicyActionDialog } from './dialogs/PolicyActionDialog.js';
import { PolicyDialog } from './dialogs/PolicyDialog.js';
import { findingProblems, sortProblems } from './problems.js';
import { policiesQuery } from './queries.js';
import { usePolicyWrites } from './use-policy-writes.js';

/** The intent: policies in order, with their rules. */
export function PoliciesPage(): ReactNode {
  const tenantId = useTenantId();
  const policies = useQuery(policiesQuery(tenantId));
  const sites = useQuery(sitesQuery(tenantId));
  const networks = useQuery(networksQuery(tenantId));
  const addressPools = useQuery(addressPoolsQuery(tenantId));
  const externalPeers = useQuery(externalPeersQuery(tenantId));
  const groups = useQuery(groupsQuery(tenantId));
  const services = useQuery(servicesQuery(tenantId));
  const [adding, setAdding] = useState(false);
  const names = sites.data &&
    networks.data &&
    addressPools.data &&
    externalPeers.data &&
    groups.data &&
    services.data && {
      sites: sites.data.items,
      networks: networks.data.items,
      addressPools: addressPools.data.items,
      externalPeers: externalPeers.data.items,
      groups: groups.data.items,
      services: services.data.items,
    };
  const loaded = policies.data && names;
  const queries = [policies, sites, networks, addressPools, externalPeers, groups, services];
  const failure = queries.find(({ error }) => error !== null)?.error ?? null;
  const rules = policies.data?.items.reduce((sum, policy) => sum + policy.rules.length, 0) ?? 0;
  const add = (
    <Button leftSection={<PlusIcon size={15} />} onClick={() => setAdding(true)}>
      Add policy
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Policies"
        summary={
          loaded
            ? `${plural(policies.data.items.length, 'policy', 'policies')}, ${plural(rules, 'rule')}. The first rule that matches decides; what no rule matches is discarded.`
            : ' '
        }
      >
        <LinkButton variant="default" to="/revisions" leftSection={<RevisionIcon size={15} />}>
          Revisions
        </LinkButton>
        {add}
      </PageHeader>
      {!loaded && (failure === null ? <TableSkeleton rows={2} rowHeight={150} /> : <FailureNotice error={failure} />)}
      {loaded &&
        (policies.data.items.length === 0 ? (
          <EmptyNotice icon={<PolicyIcon size={28} />} title="Nothing may pass yet" action={add}>
            Without a policy every edge discards what would leave its site. Add one with a rule that protects traffic
            between two sites, then publish.
          </EmptyNotice>
        ) : (
          <PolicyList policies={policies.data.items} names={names} />
        ))}
      {loaded && <PolicyTests names={names} />}
      {adding && <PolicyDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function PolicyList({ policies, names }: { readonly policies: readonly Policy[]; readonly names: Names }): ReactNode {
  const draft = useQuery(draftQuery(useTenantId())).data;
  const [action, setAction] = useState<PolicyAction | null>(null);
  const writes = usePolicyWrites();
  const move = (from: number, to: number): void => writes.move(policies, from, to);
  const reorder = useReordering('policy', move);
  const problems = sortProblems([...(draft?.problems ?? []), ...findingProblems(draft?.findings ?? [])], policies);
  const chosen = policies.find(({ id }) => id === action?.policyId);
  useScrollToHash();
  return (
    <div className="w-policies">
      {policies.map((policy, index) => (
        <PolicyCard
          key={policy.id}
          policy={policy}
          index={index}
          count={policies.length}
          names={names}
          problems={problems}
          reorder={reorder(index)}
          onMove={move}
          onAction={setAction}
        />
      ))}
      {action !== null && chosen !== undefined && (
        <PolicyActionDialog action={action} policy={chosen} names={names} onClose={() => setAction(null)} />
      )}
    </div>
  );
}

/** `/policies#<id>` shows that policy, once. */
function useScrollToHash(): void {
  const { hash } = useLocation();
  const shown = useRef('');
  useEffect(() => {
    if (hash === '' || shown.current === hash) return;
    shown.current = hash;
    document.getElementById(hash)?.scrollIntoView({ block: 'start' });
    document.getElementById(hash)?.focus();
  }, [hash]);
}
