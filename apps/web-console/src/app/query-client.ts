import { QueryClient } from '@tanstack/react-query';

/**
 * Views poll, so a failed read is not retried: the next poll is the retry. Data stays on screen meanwhile, and the
 * contact bar says how old it is. `always`: the browser's idea of being online says nothing about the controller.
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, networkMode: 'always', staleTime: 500, refetchOnReconnect: true },
    mutations: { retry: false, networkMode: 'always' },
  },
});
