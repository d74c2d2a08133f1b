import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useSyncExternalStore } from 'react';
import type { Tunnel } from '../../api/index.js';
import { useTenantId } from '../session/use-tenant.js';
import { directionsOf } from './directions.js';
import { tunnelsQuery } from './queries.js';
import { createRateHistory, type RateSample } from './rate-history.js';

/** Three minutes at one sample a second. */
const SAMPLES_KEPT = 180;
const history = createRateHistory(SAMPLES_KEPT);

/** Records the rates of every read of the tunnels, whichever view asked for it. Once, in the shell. */
export function useRecordedRates(): void {
  const queryClient = useQueryClient();
  const tenantId = useTenantId();
  useEffect(() => {
    const { queryKey } = tunnelsQuery(tenantId);
    const query = queryClient.getQueryCache();
    return query.subscribe((event) => {
      if (event.type !== 'updated' || event.action.type !== 'success') return;
      if (event.query.queryHash !== JSON.stringify(queryKey) && event.query !== query.find({ queryKey })) return;
      const items = queryClient.getQueryData<{ items: Tunnel[] }>(queryKey)?.items ?? [];
      const rates = items.map((tunnel) => {
        const [there, back] = directionsOf(tunnel);
        return [tunnel.id, [there?.traffic.bytesPerSecond ?? 0, back?.traffic.bytesPerSecond ?? 0]] as const;
      });
      history.record(event.query.state.dataUpdatedAt, new Map(rates));
    });
  }, [queryClient, tenantId]);
}

/** What this console has seen of a tunnel's rates. */
export function useRateSamples(tunnelId: string): readonly RateSample[] {
  const read = useCallback(() => history.samples(tunnelId), [tunnelId]);
  return useSyncExternalStore(history.subscribe, read);
}
