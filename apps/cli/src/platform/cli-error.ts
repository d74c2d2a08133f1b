import { EXIT_UNREACHABLE, EXIT_USAGE, type ExitCode } from './exit-code.js';

/**
 * Base of the errors of this program: a closed union of codes each, a message, what to do about it, and how the program
 * ends with it. Messages never quote a token, a cookie or a password.
 */
export class CliError<Code extends string> extends Error {
  override readonly name: string = 'CliError';
  readonly code: Code;
  readonly fix: string;
  readonly exitCode: ExitCode;

  constructor(code: Code, detail: string, fix: string, exitCode: ExitCode = EXIT_USAGE, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.fix = fix;
    this.exitCode = exitCode;
  }
}

/** No usable answer: it is not known whether the controller did what was asked. */
export class UnreachableError extends CliError<'not_reached' | 'answer_late' | 'answer_unusable' | 'answer_too_large'> {
  override readonly name = 'UnreachableError';

  constructor(code: UnreachableError['code'], detail: string, fix: string, options?: ErrorOptions) {
    super(code, detail, fix, EXIT_UNREACHABLE, options);
  }
}

/** Text of anything that was thrown. A refused connection to several addresses has its text in the errors below. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** System error code (`ENOENT`, `EACCES`, …) of anything that was thrown, if it has one. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
