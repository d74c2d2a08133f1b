import { type ServiceError, status } from '@grpc/grpc-js';

/** Why a session ended, and what the operator can do. */
export interface SessionProblem {
  readonly reason: string;
  readonly fix: string;
}

/** Reads an error of the stream. Pure. */
export function explainSessionError(error: Pick<ServiceError, 'code' | 'details'>): SessionProblem {
  const reason = `${status[error.code] ?? error.code}: ${error.details}`;
  return { reason, fix: fixFor(error) };
}

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
