import { api, client, INTENT_INTERVAL_MS, LIVE_INTERVAL_MS, type PublishResult, unwrap } from '../../api/index.js';

const REVISIONS_SHOWN = 50;

export const revisionsQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/revisions',
    { params: { path: { tenantId }, query: { limit: REVISIONS_SHOWN } } },
    { refetchInterval: INTENT_INTERVAL_MS },
  );

/** One revision with where it is applied, live. */
export const revisionQuery = (tenantId: string, number: number) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/revisions/{number}',
    { params: { path: { tenantId, number } } },
    { refetchInterval: LIVE_INTERVAL_MS },
  );

/** What the next revision would change. */
export const draftQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/revisions/draft',
    { params: { path: { tenantId } } },
    { refetchInterval: INTENT_INTERVAL_MS },
  );

export function publish(tenantId: string, comment: string): Promise<PublishResult> {
  return unwrap(
    client.POST('/api/v1/tenants/{tenantId}/revisions', { params: { path: { tenantId } }, body: { comment } }),
  );
}
