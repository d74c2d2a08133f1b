import { describe } from 'vitest';
import { DEBIAN_POSTGRES_15, isInstalled, TestPostgres } from './test-postgres.js';

const SERVERS = [
  { name: 'the embedded Postgres', directory: undefined, present: true },
  { name: "Debian's Postgres 15", directory: DEBIAN_POSTGRES_15, present: await isInstalled(DEBIAN_POSTGRES_15) },
];

/** The same tests on the newest Postgres and on the oldest that is supported, where that is installed. Each starts its own. */
export function describeOnServers(subject: string, tests: (start: () => Promise<TestPostgres>) => void): void {
  for (const { name, directory, present } of SERVERS) {
    const title = `${subject} on ${name}${present ? '' : ` (skipped: no ${directory}/postgres here)`}`;
    describe.skipIf(!present)(title, () => tests(() => TestPostgres.start(directory)));
  }
}
