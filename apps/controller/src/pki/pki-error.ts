export type PkiProblem =
  /** A file of the PKI is damaged, readable by others, or does not fit the others. */
  | 'bad_file'
  | 'root_expired'
  /** The database belongs to another root certificate or bundle-signing key. */
  | 'foreign_database'
  /** Used before start(). */
  | 'not_started';

/** The controller's own keys and certificates cannot be used; the message says what to do. */
export class PkiError extends Error {
  override readonly name = 'PkiError';

  constructor(
    readonly code: PkiProblem,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
