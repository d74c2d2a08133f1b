import { client, INTENT_INTERVAL_MS, Overtaken, type Policy, type PolicyInput, unwrap } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

/** Policies in the order in which they are evaluated. */
export const policiesQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/policies', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

export function createPolicy(tenantId: string, body: PolicyInput): Promise<Policy> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/policies', { params: { path: { tenantId } }, body }));
}

/** Replaces a policy as it was read: refused when someone changed it since. */
export function replacePolicy(tenantId: string, policy: Policy, body: PolicyInput): Promise<Policy> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/policies/{policyId}', {
      params: { path: { tenantId, policyId: policy.id }, header: { 'If-Match': `"${policy.version}"` } },
      body,
    }),
  );
}

/** Removes one as it was read: refused when someone changed it since. */
export function deletePolicy(tenantId: string, { id, version }: Policy): Promise<unknown> {
  const params = { path: { tenantId, policyId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/policies/{policyId}', { params }));
}

/** Puts policies in another order than the one that was seen. Throws Overtaken when that is not their order any more. */
export async function orderPolicies(
  tenantId: string,
  { seen, wanted }: { readonly seen: readonly string[]; readonly wanted: readonly string[] },
): Promise<unknown> {
  const path = { tenantId };
  const { policyIds, version } = await unwrap(
    client.GET('/api/v1/tenants/{tenantId}/policies/order', { params: { path } }),
  );
  if (policyIds.join() !== seen.join()) {
    throw new Overtaken('The policies are in another order now. Look at it, and move the policy again.');
  }
  const params = { path, header: { 'If-Match': `"${version}"` } };
  const body = { policyIds: [...wanted] };
  return unwrap(client.PUT('/api/v1/tenants/{tenantId}/policies/order', { params, body }));
}
