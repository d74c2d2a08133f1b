export type EnrollmentProblem =
  /** A field is malformed. */
  | 'bad_field'
  /** The token is unknown, used, replaced, expired, or of another controller. */
  | 'token_refused'
  | 'too_many_attempts';

/** An enrollment that is refused. Nothing was changed. The message is for the machine that asked and names the field. */
export class EnrollmentError extends Error {
  override readonly name = 'EnrollmentError';

  constructor(
    readonly code: EnrollmentProblem,
    /** Name of the field as in the contract; undefined when it is no field's fault. */
    readonly field: string | undefined,
    detail: string,
  ) {
    super(field === undefined ? detail : `${field}: ${detail}`);
  }
}
