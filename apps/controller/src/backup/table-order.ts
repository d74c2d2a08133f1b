import { BackupError } from './backup-error.js';

/** The rows of `child` refer to rows of `parent`. */
export interface TableReference {
  readonly child: string;
  readonly parent: string;
}

/**
 * The tables in an order in which they can be filled: each behind all that it refers to, otherwise by name. A table may refer to itself:
 * it is filled in one statement.
 *
 * @throws BackupError 'unsuitable_database' when tables refer to each other in a circle
 */
export function inDependencyOrder(tables: readonly string[], references: readonly TableReference[]): readonly string[] {
  const waiting = new Set([...tables].sort());
  const ordered: string[] = [];
  while (waiting.size > 0) {
    const next = [...waiting].find((table) =>
      references.every(({ child, parent }) => child !== table || parent === table || !waiting.has(parent)),
    );
    if (next === undefined) {
      throw new BackupError(
        'unsuitable_database',
        `tables refer to each other in a circle: ${[...waiting].join(', ')}`,
      );
    }
    waiting.delete(next);
    ordered.push(next);
  }
  return ordered;
}
