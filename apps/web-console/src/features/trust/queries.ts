import { api } from '../../api/index.js';

/** Ends are days away: a minute is soon enough. */
const TRUST_INTERVAL_MS = 60_000;

/** Until when authorities and keys are good, and who depends on them. */
export const trustQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/trust',
    { params: { path: { tenantId } } },
    { refetchInterval: TRUST_INTERVAL_MS },
  );
