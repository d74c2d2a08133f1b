import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import { Notifications } from '@mantine/notifications';
import '@mantine/notifications/styles.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { subscribeToSignOut } from './api/contact.js';
import './app/console.css';
import { queryClient } from './app/query-client.js';
import { shareStyleNonce, styleNonce } from './app/style-nonce.js';
import { cssVariables, theme } from './app/theme.js';
import { router } from './routes.js';

/** The same key as public/color-scheme.js. */
const colorSchemeManager = localStorageColorSchemeManager({ key: 'weft-color-scheme' });

shareStyleNonce();
subscribeToSignOut(() => {
  if (router.state.location.pathname === '/login') return;
  queryClient.clear();
  void router.navigate({ to: '/login', search: { next: router.state.location.href }, replace: true });
});

const container = document.getElementById('root');
if (container === null) throw new Error('index.html has no element with the id "root".');
createRoot(container).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
    >
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
