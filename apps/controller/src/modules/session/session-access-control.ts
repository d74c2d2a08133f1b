import { Injectable } from '@nestjs/common';
import { AccessControl } from '../../platform/http/access-control.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import { TenantsService } from '../tenants/tenants.service.js';
import { SessionService } from './session.service.js';

/** Sessions say who a user is, tenants say where the user may go. */
@Injectable()
export class SessionAccessControl extends AccessControl {
  readonly #sessions: SessionService;
  readonly #tenants: TenantsService;

  constructor(sessions: SessionService, tenants: TenantsService) {
    super();
    this.#sessions = sessions;
    this.#tenants = tenants;
  }

  override userOf(sessionSecret: string): Promise<CurrentUser | undefined> {
    return this.#sessions.userOf(sessionSecret);
  }

  override mayEnter(user: CurrentUser, tenantId: string): Promise<boolean> {
    return this.#tenants.mayEnter(user, tenantId);
  }
}
