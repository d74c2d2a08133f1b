import type { CurrentUser } from './current-user.decorator.js';

/** What the guard asks about each request. A class and not an interface so that Nest can inject it by type. */
export abstract class AccessControl {
  /** The user whose session has this secret; undefined when there is none or it has ended. */
  abstract userOf(sessionSecret: string): Promise<CurrentUser | undefined>;
  /** False also when there is no such tenant: the two are not to be told apart. */
  abstract mayEnter(user: CurrentUser, tenantId: string): Promise<boolean>;
}
