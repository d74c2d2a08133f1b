import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Observable } from 'rxjs';
import { DatabaseScopes, tenantScope } from '../database/database-scope.js';
import type { AuthenticatedRequest } from './current-user.decorator.js';

/** Once the guard has let a user into the tenant of a path, everything that answers the request sees that tenant alone. */
@Injectable()
export class TenantScopeInterceptor implements NestInterceptor {
  readonly #scopes: DatabaseScopes;

  constructor(scopes: DatabaseScopes) {
    this.#scopes = scopes;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { user, params } = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const tenantId = params['tenantId'];
    if (user === undefined || typeof tenantId !== 'string') return next.handle();
    return new Observable((subscriber) =>
      this.#scopes.within(tenantScope(tenantId, user.name), () => next.handle().subscribe(subscriber)),
    );
  }
}
