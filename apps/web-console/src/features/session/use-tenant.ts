import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from './queries.js';

/**
 * The tenant in force. Only below the signed-in routes, whose loader has put the session in the cache and sends whoever has
 * entered no tenant to where they choose one.
 */
export function useTenantId(): string {
  const session = useQuery(sessionQuery);
  if (session.data === undefined) throw new Error('No session: this view is outside the signed-in routes.');
  if (session.data.tenantId === null) throw new Error('No tenant is in force: the signed-in routes begin with one.');
  return session.data.tenantId;
}
