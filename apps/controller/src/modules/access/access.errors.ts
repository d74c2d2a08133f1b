import { DomainError } from '../../platform/http/domain-error.js';
import type { Role } from '../../platform/http/role.js';
import type { OperationAccess } from './operation-access.js';

export function loginRequired(): DomainError {
  const detail = 'Nobody is logged in. Log in with POST /api/v1/session.';
  return new DomainError('unauthenticated', 'login_required', detail);
}

export function sessionRequired(operation: string): DomainError {
  const detail = `${operation} is nothing for API tokens: log in with a name and a password.`;
  return new DomainError('forbidden', 'session_required', detail);
}

/** For a member who works in another tenant at present: nobody else is told that there is this one. */
export function tenantNotInForce(): DomainError {
  const detail = 'This session is not in this tenant. Enter it with PUT /api/v1/session/tenant.';
  return new DomainError('forbidden', 'tenant_not_in_force', detail);
}

/** Says what is missing and who can give it. */
export function roleRequired(
  operation: string,
  { to, least }: Extract<OperationAccess, { least: Role }>,
  role: Role | null,
): DomainError {
  const where = to === 'provider' ? 'of the provider' : 'in this tenant';
  const has = role === null ? 'You have none' : `Yours is ${role}`;
  const who = to === 'provider' ? 'An admin of the provider' : 'An admin of the tenant';
  const detail = `${operation} needs the role ${least} ${where}. ${has}. ${who} can give it to you.`;
  return new DomainError('forbidden', 'role_required', detail);
}
