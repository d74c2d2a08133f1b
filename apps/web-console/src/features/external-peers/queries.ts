import { api, INTENT_INTERVAL_MS } from '../../api/index.js';

/** Gateways that are not ours, by name. */
export const externalPeersQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/external-peers',
    { params: { path: { tenantId } } },
    { refetchInterval: INTENT_INTERVAL_MS },
  );
