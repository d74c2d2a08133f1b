/** A port or socket cannot be listened on; the message names the variable that chose it. */
export class ListenError extends Error {
  override readonly name = 'ListenError';

  constructor(
    readonly variable: string,
    readonly address: string,
    /** The errno, or a word of ours: `socket_in_use`, `not_a_socket`. */
    readonly code: string,
    detail: string,
  ) {
    super(`${variable}: cannot listen on ${address}: ${detail}`);
  }

  /** From what the system said. */
  static from(variable: string, address: string, error: unknown): ListenError {
    if (error instanceof ListenError) return error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    const detail = DETAILS[code] ?? (error instanceof Error ? error.message : String(error));
    return new ListenError(variable, address, code, detail);
  }
}

const DETAILS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'permission denied',
};
