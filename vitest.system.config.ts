import { defineConfig } from 'vitest/config';

/** Tests that need network namespaces, TUN devices, a running lab or a browser. They skip with a reason where they cannot run. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['{packages,apps,tools,test}/**/*.system.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    fileParallelism: false,
    // Patience, no claim about speed: as long as anything takes on a machine that does other things too.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
