/**
 * Base of the agent's errors: a closed union of codes per module, a message for the operator, and what to do about it.
 * Messages never quote a token, a key or key material.
 */
export class AgentError<Code extends string> extends Error {
  override readonly name: string = 'AgentError';
  readonly code: Code;
  readonly fix: string;

  constructor(code: Code, detail: string, fix: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.fix = fix;
  }
}

/** Text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** System error code (`ENOENT`, `EACCES`, …) of anything that was thrown, if it has one. */
export function systemCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
