import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/**
 * The wall clock may be set while the agent runs, by years: what takes time is measured by a monotonic clock. Who asks the
 * wall clock all the same, how often, and what for.
 */
const USERS: Readonly<Record<string, readonly [times: number, purpose: string]>> = {
  'blind/edge-blind.ts': [2, "validity of a peer's certificates; the age of keys, which outlive a restart"],
  'cli/run.ts': [3, 'when events happened; validity of the own certificate, for what is said and for its renewal'],
  'control/edge.ts': [1, 'when a bundle was taken back'],
  'control/renewal-call.ts': [1, 'a deadline, which gRPC wants as a date'],
  'control/status-reporter.ts': [1, 'when a report was made'],
  'identity/enrollment-client.ts': [1, 'a deadline, which gRPC wants as a date'],
  'ike/edge-ike.ts': [1, "validity of a peer's certificates"],
  'status/local-answers.ts': [4, 'when an answer was made; the validity left, for metrics; dates of what is told'],
};
const SOURCES = fileURLToPath(new URL('../', import.meta.url));

it('the wall clock is asked for dates and for the validity of certificates alone', () => {
  const found = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(spec|boundary-fixture)\.ts$/.test(name))
    .map((name) => [name, readFileSync(path.join(SOURCES, name), 'utf8').match(ASKS)?.length ?? 0] as const)
    .filter(([, times]) => times > 0);
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(Object.entries(USERS).map(([name, [times]]) => [name, times])),
  );
});

const ASKS = /\bDate\.now\b|\bnew Date\(\)|\btimeOrigin\b/g;
