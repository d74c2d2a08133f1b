import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Checks docs/rfc-coverage.md: every row of a table names a test that exists (`file › title`), or begins its last cell
 * with "open:" or "n/a:" and a reason. Prints the totals; exit code 1 when a row does neither.
 */
function main(): number {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
  const document = readFileSync(resolve(root, 'docs/rfc-coverage.md'), 'utf8');
  const totals = { tested: 0, open: 0, 'n/a': 0 };
  const faults: string[] = [];
  for (const [i, line] of document.split('\n').entries()) {
    const cells = line.split('|').map((cell) => cell.trim());
    if (!/^\d{4} /.test(cells[1] ?? '')) continue;
    const proof = cells.at(-2) ?? '';
    const reason = /^(open|n\/a): .{10,}/.exec(proof);
    if (reason !== null) {
      totals[reason[1] === 'open' ? 'open' : 'n/a']++;
      continue;
    }
    const named = /^`([^`]+)` › (.+)$/.exec(proof);
    if (named !== null && hasTest(resolve(root, named[1] ?? ''), named[2] ?? '')) totals.tested++;
    else faults.push(`docs/rfc-coverage.md:${i + 1}: no such test: ${proof}`);
  }
  for (const fault of faults) print(fault);
  print(`${totals.tested} tested, ${totals.open} open, ${totals['n/a']} not applicable, ${faults.length} faults`);
  return faults.length === 0 && totals.tested > 0 ? 0 : 1;
}

function hasTest(file: string, title: string): boolean {
  try {
    const text = readFileSync(file, 'utf8');
    return text.includes(`'${title}'`) || text.includes(`\`${title}\``);
  } catch {
    // A file that cannot be read has no test; the caller reports the row.
    return false;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = main();
