import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AccessControl } from './access-control.js';
import type { AuthenticatedRequest, CurrentUser } from './current-user.decorator.js';
import { DomainError, notFound } from './domain-error.js';
import { PUBLIC } from './public.decorator.js';
import { Identifier } from './schemas.js';
import { sessionCookie } from './session-cookie.js';

/** Everything but what is marked @Public() needs a login, and a path below a tenant needs that tenant to be the user's. */
@Injectable()
export class AuthGuard implements CanActivate {
  readonly #reflector: Reflector;
  readonly #access: AccessControl;

  constructor(reflector: Reflector, access: AccessControl) {
    this.#reflector = reflector;
    this.#access = access;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.#reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const user = await this.#userOf(request);
    request.user = user;
    const tenantId = request.params['tenantId'];
    if (typeof tenantId !== 'string') return true;
    if (!Identifier.safeParse(tenantId).success || !(await this.#access.mayEnter(user, tenantId))) {
      throw notFound('tenant', tenantId);
    }
    return true;
  }

  async #userOf(request: AuthenticatedRequest): Promise<CurrentUser> {
    const secret = sessionCookie(request);
    const user = secret === undefined ? undefined : await this.#access.userOf(secret);
    if (user === undefined) {
      throw new DomainError(
        'unauthenticated',
        'login_required',
        'Nobody is logged in. Log in with POST /api/v1/session.',
      );
    }
    return user;
  }
}
