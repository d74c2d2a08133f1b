import type { SessionEndCode } from './edge-session.js';

/** Ends a session with a status that tells the edge what it did wrong, or why it is refused. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';

  constructor(
    readonly code: SessionEndCode,
    message: string,
  ) {
    super(message);
  }
}

/** A message that is malformed or out of order; `field` is its path in the contract. */
export function malformed(field: string, rule: string): ProtocolError {
  return new ProtocolError('INVALID_ARGUMENT', `${field}: ${rule}`);
}
