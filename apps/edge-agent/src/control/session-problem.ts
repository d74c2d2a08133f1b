import { type ServiceError, status } from '@grpc/grpc-js';

/** Why a session ended, and what the operator can do. */
export interface SessionProblem {
  readonly reason: string;
  readonly fix: string;
}

/**
 * Reads an error of the stream. Pure.
 * @param expired whether the certificate of this edge has: a controller that does not take it ends the handshake without a
 *   word that would come through gRPC
 */
export function explainSessionError(error: Pick<ServiceError, 'code' | 'details'>, expired = false): SessionProblem {
  const reason = `${status[error.code] ?? error.code}: ${error.details}`;
  if (expired && error.code === status.UNAVAILABLE) {
    return { reason: `${reason} (the certificate of this edge has expired)`, fix: EXPIRED_FIX };
  }
  return { reason, fix: fixFor(error) };
}

/** What to do about a certificate that has expired. */
export const EXPIRED_FIX =
  'set the clock of this machine if it is wrong; else make a new enrollment token in the console and run `weft-edge enroll`';

function fixFor(error: Pick<ServiceError, 'code' | 'details'>): string {
  switch (error.code) {
    case status.ALREADY_EXISTS:
      return 'another agent runs with the identity of this edge: stop one of the two, and enroll it anew if it is a copy';
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return 'the controller does not accept the certificate of this edge: enroll again with a new token';
    case status.INVALID_ARGUMENT:
    case status.UNIMPLEMENTED:
      return 'update the agent and the controller to matching versions';
    default:
      break;
  }
  if (/expired|not yet valid/i.test(error.details)) {
    return "check the clocks of this machine and the controller; if they are right, renew the controller's certificate";
  }
  if (/certificate|self.signed|altname|alert/i.test(error.details)) {
    return 'what answers there is not the controller this edge was enrolled with: check the address, or enroll again';
  }
  return 'none needed if the controller is restarting; else check that its session port is open from here';
}
