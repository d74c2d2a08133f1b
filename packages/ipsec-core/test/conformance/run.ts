import { nobleProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { cryptoProviderCases, VECTORS_ABSENT, vectorFolder } from './index.js';

/** Prints a table and the totals; exit code 1 when a vector fails. */
function main(): number {
  const folder = vectorFolder();
  if (folder === undefined) {
    print(`skipped: ${VECTORS_ABSENT}`);
    return 0;
  }
  const rows = new Map<string, { run: number; passed: number }>();
  const failures: string[] = [];
  for (const provider of [nobleProvider, nodeCryptoProvider]) {
    for (const { source, name, run } of cryptoProviderCases(provider, folder)) {
      const key = `${provider.name.padEnd(12)} ${source}`;
      const row = rows.get(key) ?? { run: 0, passed: 0 };
      rows.set(key, row);
      row.run++;
      try {
        run();
        row.passed++;
      } catch (error) {
        failures.push(`${key} ${name}: ${String(error)}`);
      }
    }
  }
  print(`${'provider     source'.padEnd(50)} ${'run'.padStart(5)} ${'passed'.padStart(7)}`);
  for (const [key, { run, passed }] of rows) {
    print(`${key.padEnd(50)} ${String(run).padStart(5)} ${String(passed).padStart(7)}`);
  }
  for (const failure of failures) print(failure);
  const passed = [...rows.values()].reduce((sum, row) => sum + row.passed, 0);
  print(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = main();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
