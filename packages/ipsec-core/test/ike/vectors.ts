import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The conformance vectors live outside the repository (WEFT_VECTORS, or `shared/vectors` beside it): test data with
 * licences of their own. A spec that needs them and does not find them is skipped and says so.
 */
export interface VectorFile<T> {
  readonly vectors: readonly T[];
  readonly [field: string]: unknown;
}

export const vectorsFolder: string | undefined = findFolder();
export const skipReason = 'needs the conformance vectors: set WEFT_VECTORS to their folder';

export function loadVectors<T>(name: string): VectorFile<T> {
  if (vectorsFolder === undefined) throw new Error(skipReason);
  return JSON.parse(readFileSync(join(vectorsFolder, name), 'utf8')) as VectorFile<T>;
}

function findFolder(): string | undefined {
  const named = process.env['WEFT_VECTORS'];
  if (named !== undefined) return existsSync(named) ? named : undefined;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (dirname(folder) !== folder) {
    const candidate = join(folder, 'shared', 'vectors');
    if (existsSync(candidate)) return candidate;
    folder = dirname(folder);
  }
  return undefined;
}
