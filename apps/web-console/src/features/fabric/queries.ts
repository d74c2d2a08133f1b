import {
  api,
  client,
  INTENT_INTERVAL_MS,
  type Tenant,
  type Topology,
  type TopologyInput,
  unwrap,
} from '../../api/index.js';
import type { FabricSettings } from './settings.js';

/** In the draft: in force with the next revision. */
export function changeSettings(tenantId: string, body: Partial<FabricSettings>): Promise<Tenant> {
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}', { params: { path: { tenantId } }, body }));
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
