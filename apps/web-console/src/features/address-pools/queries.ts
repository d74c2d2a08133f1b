import { type AddressPool, type AddressPoolInput, client, INTENT_INTERVAL_MS, unwrap } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

/** Address pools by name. */
export const addressPoolsQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/address-pools', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

export function createAddressPool(tenantId: string, body: AddressPoolInput): Promise<AddressPool> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/address-pools', { params: { path: { tenantId } }, body }));
}

/** Replaces a pool as it was read: refused when someone changed it since. */
export function replaceAddressPool(tenantId: string, pool: AddressPool, body: AddressPoolInput): Promise<AddressPool> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/address-pools/{addressPoolId}', {
      params: { path: { tenantId, addressPoolId: pool.id }, header: { 'If-Match': `"${pool.version}"` } },
      body,
    }),
  );
}

/** Removes one as it was read: refused when someone changed it since. */
export function deleteAddressPool(tenantId: string, { id, version }: AddressPool): Promise<unknown> {
  const params = { path: { tenantId, addressPoolId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/address-pools/{addressPoolId}', { params }));
}
