export type BackupProblem =
  /** The file exists already, or cannot be read. */
  | 'file'
  /** The octets are no backup, or not all of one, or not those that were written. */
  | 'damaged'
  /** The key file is no key, or not the one that the backup was made with. */
  | 'key'
  /** What is to be saved is not whole: no schema, a table that nobody knows how to restore. */
  | 'unsuitable_database'
  /** What is to be restored would overwrite something. */
  | 'not_empty'
  /** A controller works with the database. */
  | 'in_use'
  /** The database did not take a table as it is in the backup. */
  | 'refused'
  /** The hash chain of an audit log does not hold where it held when it was saved. */
  | 'audit_broken'
  /** The keys in WEFT_DATA_DIR are not those of the backup. */
  | 'foreign_keys';

/** A backup was not made, or not restored; nothing was changed, and the message says what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError';

  constructor(
    readonly code: BackupProblem,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
