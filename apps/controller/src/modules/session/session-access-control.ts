import { Injectable } from '@nestjs/common';
import { AccessControl } from '../../platform/http/access-control.js';
import type { CurrentUser } from '../../platform/http/current-user.decorator.js';
import type { Role } from '../../platform/http/role.js';
import { TokenHolders } from '../api-tokens/token-holders.js';
import { TenantsService } from '../tenants/tenants.service.js';
import { SessionService } from './session.service.js';

/** Sessions and API tokens say who a user is, tenants say where the user may go. */
@Injectable()
export class SessionAccessControl extends AccessControl {
  readonly #sessions: SessionService;
  readonly #tokens: TokenHolders;
  readonly #tenants: TenantsService;

  constructor(sessions: SessionService, tokens: TokenHolders, tenants: TenantsService) {
    super();
    this.#sessions = sessions;
    this.#tokens = tokens;
    this.#tenants = tenants;
  }

  override userOf(sessionSecret: string): Promise<CurrentUser | undefined> {
    return this.#sessions.userOf(sessionSecret);
  }

  override userOfToken(token: string, address: string): Promise<CurrentUser> {
    return this.#tokens.userOf(token, address);
  }

  override roleIn(user: CurrentUser, tenantId: string): Promise<Role | null> {
    return this.#tenants.roleIn(user, tenantId);
  }
}
