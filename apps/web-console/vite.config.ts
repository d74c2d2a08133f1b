import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where `npm run dev` sends /api: a running controller, or the fixture server in dev/. */
const API_TARGET = process.env['WEFT_CONSOLE_API'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  // The controller replaces this placeholder with a fresh nonce each time it serves index.html.
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2023',
    // Assets never become data: URLs, so that the policy needs no exception for them.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// },
            { name: 'mantine', test: /node_modules\/@(mantine|floating-ui)\// },
            { name: 'tanstack', test: /node_modules\/@tanstack\// },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: API_TARGET } } },
});
