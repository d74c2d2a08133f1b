import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Edge } from '../../../api/index.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { useTenantId } from '../../session/use-tenant.js';
import { tunnelTitle } from '../../tunnels/directions.js';
import { tunnelsQuery } from '../../tunnels/queries.js';
import { movesQuery } from '../queries.js';
import { moveText } from '../uplinks.js';

/** When tunnels of the edge went by another path, where to, and why. */
export function EdgeMoves({ edge }: { readonly edge: Edge }): ReactNode {
  const tenantId = useTenantId();
  const { data, error } = useQuery(movesQuery(tenantId, edge.id));
  const tunnels = new Map((useQuery(tunnelsQuery(tenantId)).data?.items ?? []).map((tunnel) => [tunnel.id, tunnel]));
  if (data === undefined) return error === null ? null : <FailureNotice error={error} />;
  if (data.items.length === 0) return <p className="w-none">Its tunnels are where they began.</p>;
  return (
    <ul className="w-list">
      {data.items.map((event) => {
        const tunnel = tunnels.get(event.tunnelId ?? '');
        return (
          <li key={event.id}>
            <span>
              {tunnel === undefined ? 'A tunnel that is gone' : tunnelTitle(tunnel)}
              <span className="w-dim">
                {event.detail === null ? ': ' : `: ${event.detail}; `}
                {moveText(event)}
              </span>
            </span>
            <span className="w-dim w-push">
              <RelativeTime at={event.occurredAt} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}
