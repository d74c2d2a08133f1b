import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkCoverage } from './rfc-coverage.js';
import { testTitlesOf } from './test-titles.js';

/** Checks docs/rfc-coverage.md and prints the totals; exit code 1 when a row names no test that exists. */
const document = fileURLToPath(new URL('../../../docs/rfc-coverage.md', import.meta.url));
const { tested, open, declined, notApplicable, faults } = checkCoverage(readFileSync(document, 'utf8'), testTitlesOf);
for (const fault of faults) process.stdout.write(`docs/rfc-coverage.md:${fault}\n`);
process.stdout.write(
  `${tested} tested, ${open} open, ${declined} declined, ${notApplicable} not applicable, ${faults.length} faults\n`,
);
process.exitCode = faults.length === 0 && tested > 0 ? 0 : 1;
