import { useQueryClient } from '@tanstack/react-query';
import type { Policy, PolicyInput } from '../../api/index.js';
import { moveItem } from '../../lib/reorder.js';
import { useWrite } from '../../ui/use-write.js';
import { useTenantId } from '../session/use-tenant.js';
import { asReplaced } from './changes.js';
import { orderPolicies, policiesQuery, replacePolicy } from './queries.js';

export interface PolicyWrites {
  /** Replaces a policy; shown at once, taken back with the reason when it is refused. */
  readonly replace: (policy: Policy, input: PolicyInput) => void;
  /** Moves a policy within the order. */
  readonly move: (policies: readonly Policy[], from: number, to: number) => void;
}

/** The small changes that need no dialog: order, on and off. */
export function usePolicyWrites(): PolicyWrites {
  const tenantId = useTenantId();
  const queryClient = useQueryClient();
  const { queryKey } = policiesQuery(tenantId);
  const replacing = useWrite(
    ({ policy, input }: { policy: Policy; input: PolicyInput }) => replacePolicy(tenantId, policy, input),
    { announce: true },
  );
  const ordering = useWrite(
    (order: { seen: readonly string[]; wanted: readonly string[] }) => orderPolicies(tenantId, order),
    { announce: true },
  );
  const show = (items: Policy[]): void => {
    queryClient.setQueryData(queryKey, { items });
  };
  return {
    replace: (policy, input) => {
      const items = queryClient.getQueryData<{ items: Policy[] }>(queryKey)?.items ?? [];
      show(items.map((each) => (each.id === policy.id ? asReplaced(each, input) : each)));
      replacing.mutate({ policy, input });
    },
    move: (policies, from, to) => {
      if (to < 0 || to >= policies.length) return;
      const items = moveItem(policies, from, to);
      show(items);
      ordering.mutate({ seen: policies.map(({ id }) => id), wanted: items.map(({ id }) => id) });
    },
  };
}
