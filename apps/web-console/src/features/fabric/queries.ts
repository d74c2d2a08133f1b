import {
  api,
  client,
  INTENT_INTERVAL_MS,
  type Tenant,
  type Topology,
  type TopologyInput,
  type TunnelStart,
  unwrap,
} from '../../api/index.js';
import type { FabricSettings } from './settings.js';

/** In the draft: in force with the next revision. Refused when someone changed the tenant since it was read. */
export function changeSettings({ id, version }: Tenant, body: Partial<FabricSettings>): Promise<Tenant> {
  const params = { path: { tenantId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}', { params, body }));
}

/** As `changeSettings`. */
export function changeTunnelStart(tenantId: string, tunnelStart: TunnelStart): Promise<Tenant> {
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}', { params: { path: { tenantId } }, body: { tunnelStart } }));
}

export const topologyQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/topology',
    { params: { path: { tenantId } } },
    { refetchInterval: INTENT_INTERVAL_MS },
  );

/** Replaces the topology as it was read: refused when someone changed it since. */
export function replaceTopology(tenantId: string, { version }: Topology, body: TopologyInput): Promise<Topology> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/topology', {
      params: { path: { tenantId }, header: { 'If-Match': `"${version}"` } },
      body,
    }),
  );
}
