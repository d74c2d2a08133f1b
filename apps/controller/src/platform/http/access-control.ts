import type { CurrentUser } from './current-user.decorator.js';
import type { Role } from './role.js';

/** What the guard asks about each request. A class and not an interface so that Nest can inject it by type. */
export abstract class AccessControl {
  /** The user whose session has this secret; undefined when there is none or it has ended. */
  abstract userOf(sessionSecret: string): Promise<CurrentUser | undefined>;
  /** On whose behalf this API token acts. Throws DomainError 'invalid_token' or 'too_many_requests'. */
  abstract userOfToken(token: string, address: string): Promise<CurrentUser>;
  /**
   * Null when the user may not enter; also when there is no such tenant: the two are not to be told apart. Throws DomainError
   * 'tenant_not_in_force' for a member whose session is in another one.
   */
  abstract roleIn(user: CurrentUser, tenantId: string): Promise<Role | null>;
}
