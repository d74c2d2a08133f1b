import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { AccessControl } from '../../platform/http/access-control.js';
import { bearerToken, hasAuthorization } from '../../platform/http/bearer-token.js';
import type { AuthenticatedRequest, CurrentUser } from '../../platform/http/current-user.decorator.js';
import { notFound } from '../../platform/http/domain-error.js';
import { isAtLeast, type Role } from '../../platform/http/role.js';
import { Identifier } from '../../platform/http/schemas.js';
import { sessionCookie } from '../../platform/http/session-cookie.js';
import { loginRequired, roleRequired, sessionRequired } from './access.errors.js';
import { OPERATION_ACCESS } from './operation-access.js';

/** The one place where it is decided who may ask for what: by OPERATION_ACCESS, before anything of the request is read. */
@Injectable()
export class AccessGuard implements CanActivate {
  readonly #access: AccessControl;

  constructor(access: AccessControl) {
    this.#access = access;
  }

  /** Throws DomainError 'login_required', 'invalid_token', 'too_many_requests', 'session_required', 'unknown_tenant' or 'role_required'. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = context.getHandler().name;
    const access = OPERATION_ACCESS[operation];
    if (access === undefined) throw new Error(`the operation ${operation} has no row in OPERATION_ACCESS`);
    if (access.to === 'everybody') return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const user = await this.#userOf(request);
    request.user = user;
    if (access.inPerson === true && user.apiToken !== undefined) throw sessionRequired(operation);
    if (access.to === 'user') return true;
    const role = access.to === 'provider' ? user.providerRole : await this.#roleIn(user, request.params['tenantId']);
    if (role === null || !isAtLeast(role, access.least)) throw roleRequired(operation, access, role);
    return true;
  }

  async #roleIn(user: CurrentUser, tenantId: unknown): Promise<Role> {
    const name = String(tenantId);
    const role = Identifier.safeParse(name).success ? await this.#access.roleIn(user, name) : null;
    if (role === null) throw notFound('tenant', name);
    return role;
  }

  async #userOf(request: AuthenticatedRequest): Promise<CurrentUser> {
    if (hasAuthorization(request)) return this.#access.userOfToken(bearerToken(request), request.ip ?? 'unix');
    const secret = sessionCookie(request);
    const user = secret === undefined ? undefined : await this.#access.userOf(secret);
    if (user === undefined) throw loginRequired();
    return user;
  }
}
