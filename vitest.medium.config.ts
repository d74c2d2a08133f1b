import { defineConfig } from 'vitest/config';

/** Tests of one app against its real neighbours (Postgres, gRPC over TLS); no root needed. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['{packages,apps,tools,test}/**/*.medium.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    // Each starts its own servers, on ports and in directories of their own; one that waits leaves the processors to another.
    maxWorkers: 2,
    // Patience, no claim about speed: as long as anything takes on a machine that does other things too.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
