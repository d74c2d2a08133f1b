export type PkiProblem =
  /** A file of the PKI is damaged, readable by others, or does not fit the others. */
  | 'bad_file'
  | 'root_expired'
  | 'intermediate_expired'
  /** A root allows no authority below it, or too few. */
  | 'path_length'
  | 'root_key_elsewhere'
  /** A key is of another root than the present one. */
  | 'other_root'
  | 'wrong_passphrase'
  /** Nobody has asked for the certificate that is to be taken. */
  | 'no_request'
  | 'request_refused'
  /** A certificate of an authority cannot be used; the message says which, and why. */
  | 'authority_refused'
  /** The certificate authority before has not been retired yet. */
  | 'rotation_underway'
  /** There is no certificate authority to retire. */
  | 'no_rotation'
  /** No controller has been started with the new certificate authority yet. */
  | 'not_in_use'
  /** Edges in force would be lost with the certificate authority that is to be retired. */
  | 'still_depended_on'
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
