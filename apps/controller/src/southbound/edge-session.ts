import type { SessionResponse } from '@weft/contracts/southbound';
import type { EdgeIdentity } from '../pki/edge-identity.js';

/** Why the controller ends a session; gRPC status names. */
export type SessionEndCode =
  | 'UNAUTHENTICATED'
  | 'ALREADY_EXISTS'
  | 'INVALID_ARGUMENT'
  | 'FAILED_PRECONDITION'
  | 'DEADLINE_EXCEEDED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'INTERNAL';

/** The live stream of one edge, after its Hello. */
export interface EdgeSession extends EdgeIdentity {
  readonly agentVersion: string;
  readonly bootId: string;
  /** Of the certificate that the edge showed. */
  readonly certificateSerial: string;
  readonly connectedSince: Date;
  /** Queues a message. `gone` is called once its octets have left, or never will. */
  send(message: NonNullable<SessionResponse['message']>, gone?: () => void): void;
  /** Ends the stream with a status. Idempotent. */
  end(code: SessionEndCode, message: string): void;
}
