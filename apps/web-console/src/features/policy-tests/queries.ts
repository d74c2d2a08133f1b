import { client, INTENT_INTERVAL_MS, type PolicyTest, type PolicyTestInput, unwrap } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

/** What must hold whatever the rules become, by name. */
export const policyTestsQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/policy-tests', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

/** Makes a test, or replaces one as it was read: refused when someone changed it since. */
export function savePolicyTest(
  tenantId: string,
  test: PolicyTest | undefined,
  body: PolicyTestInput,
): Promise<PolicyTest> {
  if (test === undefined) {
    return unwrap(client.POST('/api/v1/tenants/{tenantId}/policy-tests', { params: { path: { tenantId } }, body }));
  }
  const params = { path: { tenantId, policyTestId: test.id }, header: { 'If-Match': `"${test.version}"` } };
  return unwrap(client.PUT('/api/v1/tenants/{tenantId}/policy-tests/{policyTestId}', { params, body }));
}

/** Removes one as it was read: refused when someone changed it since. */
export function deletePolicyTest(tenantId: string, { id, version }: PolicyTest): Promise<unknown> {
  const params = { path: { tenantId, policyTestId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/policy-tests/{policyTestId}', { params }));
}
