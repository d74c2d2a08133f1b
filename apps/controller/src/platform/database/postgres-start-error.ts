export type PostgresStartProblem =
  | 'no_binaries'
  | 'too_old'
  /** The user in DATABASE_URL sees through row-level security, and cannot be kept from it. */
  | 'bypasses_row_security'
  | 'cannot_drop_root'
  | 'initdb_failed'
  | 'other_major_version'
  | 'socket_directory'
  /** Another server runs in the same directory. */
  | 'locked'
  | 'exited'
  | 'timeout';

/** A Postgres server of our own does not come up; the message says what to do. */
export class PostgresStartError extends Error {
  override readonly name = 'PostgresStartError';

  constructor(
    readonly code: PostgresStartProblem,
    message: string,
    /** Last lines of what the program said. */
    readonly output = '',
  ) {
    super(output === '' ? message : `${message}:\n${output}`);
  }
}
