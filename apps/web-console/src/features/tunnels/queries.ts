import { api, LIVE_INTERVAL_MS } from '../../api/index.js';

/** Tunnels of the newest revision with state, counters and rates. */
export const tunnelsQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/tunnels',
    { params: { path: { tenantId } } },
    { refetchInterval: LIVE_INTERVAL_MS },
  );
