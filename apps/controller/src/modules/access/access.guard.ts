import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { AccessControl } from '../../platform/http/access-control.js';
import type { AuthenticatedRequest } from '../../platform/http/current-user.decorator.js';
import { admit } from './admission.js';

/** The one place that every request passes before anything of it is read. */
@Injectable()
export class AccessGuard implements CanActivate {
  readonly #access: AccessControl;

  constructor(access: AccessControl) {
    this.#access = access;
  }

  /** Throws what `admit` throws. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    await admit(this.#access, context.getHandler().name, context.switchToHttp().getRequest<AuthenticatedRequest>());
    return true;
  }
}
