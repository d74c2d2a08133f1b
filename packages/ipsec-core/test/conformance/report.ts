import type { CryptoProvider } from '@weft/ipsec-core';
import { loadVectors, VECTORS_ABSENT } from '../support/vectors.js';
import { CONTRACT, isCase } from './case.js';
import { conformanceItems } from './crypto-provider.suite.js';
import { presentVectorFiles, usedVectorFiles, VECTOR_FILES } from './vector-files.js';

/** One provider and one source. A vector may be run several times: as a primitive, a transform, a whole packet. */
export interface ConformanceRow {
  readonly provider: string;
  readonly source: string;
  /** Vectors in the file; 0 for the contract, which has none. */
  readonly vectors: number;
  readonly run: number;
  readonly passed: number;
  /** Vectors that no case used, by reason. */
  readonly leftOut: ReadonlyMap<string, number>;
}

export interface ConformanceReport {
  readonly rows: readonly ConformanceRow[];
  /** `provider source vector: what went wrong`, also for a vector or a file that was neither run nor left out. */
  readonly failures: readonly string[];
  readonly passed: number;
  /** Why there are no vectors in this report. */
  readonly skipped: string | undefined;
}

/** Runs the suite. Without a folder of vectors only the contract is checked, and the report says so. */
export function runConformance(
  providers: readonly CryptoProvider[],
  vectorFolder: string | undefined,
): ConformanceReport {
  const rows: ConformanceRow[] = [];
  const failures: string[] = vectorFolder === undefined ? [] : [...unaccountedFiles(vectorFolder)];
  for (const provider of providers) {
    const perSource = runProvider(provider, vectorFolder, failures);
    for (const [source, tally] of perSource) {
      const vectors = source === CONTRACT ? [] : namesOf(vectorFolder, source);
      for (const name of vectors) {
        if (!tally.names.has(name)) failures.push(`${provider.name} ${source} ${name}: neither run nor left out`);
      }
      rows.push({ provider: provider.name, source, vectors: vectors.length, ...tally });
    }
  }
  const passed = rows.reduce((sum, row) => sum + row.passed, 0);
  return { rows, failures, passed, skipped: vectorFolder === undefined ? VECTORS_ABSENT : undefined };
}

/** A table, the failures, and `N passed, N failed`. */
export function formatReport({ rows, failures, passed, skipped }: ConformanceReport): string {
  const line = (...cells: readonly (string | number)[]) => {
    const [provider = '', source = '', ...figures] = cells.map(String);
    const [leftOut = '', ...rest] = figures.reverse();
    const numbers = rest.reverse().map((cell) => cell.padStart(8));
    return `${provider.padEnd(12)} ${source.padEnd(30)}${numbers.join('')}  ${leftOut}`.trimEnd();
  };
  const table = rows.map((row) => {
    const leftOut = [...row.leftOut].map(([reason, count]) => `${count} ${reason}`).join('; ');
    return line(row.provider, row.source, row.vectors, row.run, row.passed, leftOut);
  });
  return [
    line('provider', 'source', 'vectors', 'run', 'passed', 'left out'),
    ...table,
    ...failures.map((failure) => `FAILED ${failure}`),
    ...(skipped === undefined ? [] : [`skipped every vector: ${skipped}`]),
    `${passed} passed, ${failures.length} failed`,
  ].join('\n');
}

interface Tally {
  run: number;
  passed: number;
  readonly leftOut: Map<string, number>;
  readonly names: Set<string>;
}

function runProvider(
  provider: CryptoProvider,
  vectorFolder: string | undefined,
  failures: string[],
): ReadonlyMap<string, Tally> {
  const sources = vectorFolder === undefined ? [CONTRACT] : [CONTRACT, ...usedVectorFiles()];
  const tallies = new Map<string, Tally>(
    sources.map((source) => [source, { run: 0, passed: 0, leftOut: new Map(), names: new Set() }]),
  );
  for (const item of conformanceItems(provider, vectorFolder)) {
    const tally = tallies.get(item.source);
    if (tally === undefined) throw new Error(`${item.source} is not in VECTOR_FILES.`);
    tally.names.add(item.name);
    if (!isCase(item)) {
      tally.leftOut.set(item.reason, (tally.leftOut.get(item.reason) ?? 0) + 1);
      continue;
    }
    tally.run++;
    try {
      item.run();
      tally.passed++;
    } catch (error) {
      failures.push(`${provider.name} ${item.source} ${item.name}: ${String(error)}`);
    }
  }
  return tallies;
}

function* unaccountedFiles(folder: string): Generator<string> {
  const present = presentVectorFiles(folder);
  for (const name of present) {
    if (VECTOR_FILES[name] === undefined) yield `${name}: a vector file that VECTOR_FILES does not name`;
  }
  for (const name of usedVectorFiles()) if (!present.includes(name)) yield `${name}: named in VECTOR_FILES but absent`;
}

function namesOf(folder: string | undefined, source: string): readonly string[] {
  return folder === undefined ? [] : loadVectors(folder, source).vectors.map((vector) => vector.text('name'));
}
