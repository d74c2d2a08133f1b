import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Unit specs: beside their subject, no root, no network, no database. What needs more lives in test/. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['{packages,apps,tools}/**/*.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    // The runner itself has little to do meanwhile: on two processors, both are for the specs.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Patience, no claim about speed: a machine that does other things too may take ten times as long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
