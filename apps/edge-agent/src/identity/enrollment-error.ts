import { AgentError } from '../platform/agent-error.js';

/** Why an edge could not enroll. */
export type EnrollmentErrorCode =
  | 'address_malformed'
  | 'token_malformed'
  | 'controller_unreachable'
  | 'pin_mismatch'
  | 'server_certificate_expired'
  | 'server_certificate_refused'
  | 'token_refused'
  | 'request_refused'
  | 'too_many_attempts'
  | 'controller_failed'
  | 'response_malformed'
  | 'not_closed';

/** Enrollment failed, and nothing was stored; `not_closed`: the edge is enrolled, and what it is to protect is open. */
export class EnrollmentError extends AgentError<EnrollmentErrorCode> {
  override readonly name = 'EnrollmentError';
}
