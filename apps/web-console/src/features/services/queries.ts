import { client, INTENT_INTERVAL_MS, type NamedService, type NamedServiceInput, unwrap } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

/** Named services by name. */
export const servicesQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/services', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

export function createService(tenantId: string, body: NamedServiceInput): Promise<NamedService> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/services', { params: { path: { tenantId } }, body }));
}

/** Replaces a service as it was read: refused when someone changed it since. */
export function replaceService(
  tenantId: string,
  service: NamedService,
  body: NamedServiceInput,
): Promise<NamedService> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/services/{serviceId}', {
      params: { path: { tenantId, serviceId: service.id }, header: { 'If-Match': `"${service.version}"` } },
      body,
    }),
  );
}

/** Removes one as it was read: refused when someone changed it since. */
export function deleteService(tenantId: string, { id, version }: NamedService): Promise<unknown> {
  const params = { path: { tenantId, serviceId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/services/{serviceId}', { params }));
}
