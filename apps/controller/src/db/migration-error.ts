export type MigrationProblem =
  | 'bad_name'
  | 'duplicate_version'
  /** The file of an applied migration has been edited. */
  | 'changed'
  /** The database knows a migration that this program does not: it is from a newer version. */
  | 'unknown'
  /** A new file has a number below one that is applied already. */
  | 'out_of_order'
  | 'failed';

/** The schema cannot be brought up to date. Nothing of the migration named was applied. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    readonly code: MigrationProblem,
    readonly migration: string,
    detail: string,
    cause?: unknown,
  ) {
    super(`migration ${migration}: ${detail}`, { cause });
  }
}
