import type { AccessControl } from '../../platform/http/access-control.js';
import { bearerToken, hasAuthorization } from '../../platform/http/bearer-token.js';
import type { AuthenticatedRequest, CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { isAtLeast, type Role } from '../../platform/http/role.js';
import { Identifier } from '../../platform/http/schemas.js';
import { sessionCookie } from '../../platform/http/session-cookie.js';
import { loginRequired, roleRequired, sessionRequired } from './access.errors.js';
import { OPERATION_ACCESS } from './operation-access.js';

/**
 * Who asks, if they may ask for this operation now: by OPERATION_ACCESS, before anything else of the request is read. Undefined for what
 * everybody may. What goes on for longer than a request asks again.
 *
 * Throws DomainError 'login_required', 'invalid_token', 'too_many_requests', 'session_required', 'unknown_tenant',
 * 'tenant_not_in_force' or 'role_required'.
 */
export async function admit(
  control: AccessControl,
  operation: string,
  request: AuthenticatedRequest,
): Promise<CurrentUser | undefined> {
  const access = OPERATION_ACCESS[operation];
  if (access === undefined) throw new Error(`the operation ${operation} has no row in OPERATION_ACCESS`);
  if (access.to === 'everybody') return undefined;
  const user = await userOf(control, request);
  // Whoever is refused is known to the log.
  request.user = user;
  if (access.inPerson === true && user.apiToken !== undefined) throw sessionRequired(operation);
  if (access.to === 'user') return user;
  const role = access.to === 'provider' ? user.providerRole : await roleIn(control, user, request.params['tenantId']);
  if (role === null || !isAtLeast(role, access.least)) throw roleRequired(operation, access, role);
  return user;
}

async function roleIn(control: AccessControl, user: CurrentUser, tenantId: unknown): Promise<Role> {
  const name = String(tenantId);
  const role = Identifier.safeParse(name).success ? await control.roleIn(user, name) : null;
  if (role === null) throw notFound('tenant', name);
  return role;
}

async function userOf(control: AccessControl, request: AuthenticatedRequest): Promise<CurrentUser> {
  if (hasAuthorization(request)) return control.userOfToken(bearerToken(request), request.ip ?? 'unix');
  const secret = sessionCookie(request);
  const user = secret === undefined ? undefined : await control.userOf(secret);
  if (user === undefined) throw loginRequired();
  return user;
}
