import { LIVE_INTERVAL_MS } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

/** Tunnels of the newest revision with state, counters and rates. */
export const tunnelsQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/tunnels', { tenantId }, { refetchInterval: LIVE_INTERVAL_MS });
