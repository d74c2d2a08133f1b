import { queryOptions } from '@tanstack/react-query';
import { client, INTENT_INTERVAL_MS, unwrap } from '../../api/index.js';

/** The last times that tunnels of an edge went by another path, newest first. */
export const movesQuery = (tenantId: string, edgeId: string) =>
  queryOptions({
    queryKey: ['moves', tenantId, edgeId],
    queryFn: () => {
      const params = { path: { tenantId }, query: { edgeId, kind: 'path_changed' as const, limit: SHOWN_MOVES } };
      return unwrap(client.GET('/api/v1/tenants/{tenantId}/events', { params }));
    },
    refetchInterval: INTENT_INTERVAL_MS,
  });

const SHOWN_MOVES = 5;
