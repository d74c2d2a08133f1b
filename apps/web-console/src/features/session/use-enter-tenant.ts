import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { announceFailure } from '../../ui/use-write.js';
import { enterTenant } from './queries.js';

/**
 * Goes on in another tenant. First nothing asks any more: an answer to what was sent with the secret before would log the reader out. The
 * page loads anew then, so that nothing of the tenant before is left.
 */
export function useEnterTenant(): (tenantId: string) => Promise<void> {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  return async (tenantId) => {
    await navigate({ to: '/entering' });
    await queryClient.cancelQueries();
    try {
      await enterTenant(tenantId);
      window.location.assign('/');
    } catch (error) {
      announceFailure(error);
      await navigate({ to: '/tenants' });
    }
  };
}
