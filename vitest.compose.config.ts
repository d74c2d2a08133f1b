import { defineConfig } from 'vitest/config';

/** The fabric of docker-compose.yml, built and run where a Docker engine answers. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['test/compose/*.compose.ts'],
    environment: 'node',
    testTimeout: 120_000,
    hookTimeout: 1_800_000,
  },
});
