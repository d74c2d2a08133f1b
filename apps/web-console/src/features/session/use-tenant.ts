import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from './queries.js';

/** The tenant of the signed-in user. Only below the signed-in routes, whose loader has put the session in the cache. */
export function useTenantId(): string {
  const session = useQuery(sessionQuery);
  if (session.data === undefined) throw new Error('No session: this view is outside the signed-in routes.');
  return session.data.tenantId;
}
