import { client, INTENT_INTERVAL_MS, type Policy, type PolicyInput, unwrap } from '../../api/index.js';
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

export function orderPolicies(tenantId: string, policyIds: string[]): Promise<unknown> {
  const path = { tenantId };
  return unwrap(client.PUT('/api/v1/tenants/{tenantId}/policies/order', { params: { path }, body: { policyIds } }));
}
