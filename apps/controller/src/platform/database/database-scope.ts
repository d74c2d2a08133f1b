import { AsyncLocalStorage } from 'node:async_hooks';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';

/**
 * What statements may see and change. The policies in Postgres hold them to it, whatever their WHERE clauses say
 * (migrations 0035 and 0170).
 */
export type DatabaseScope =
  /** The rows of one tenant. What is changed there is changed by `actor`; undefined: by nobody who has a name. */
  | { readonly kind: 'tenant'; readonly tenantId: string; readonly actor?: string }
  /** Who somebody is, before it is known where they may go: tenants, users, and what refers to users. */
  | { readonly kind: 'accounts' }
  /** Own memberships and sessions of one person; and the rows of the tenant that they are about to enter. */
  | { readonly kind: 'person'; readonly userId: string; readonly entering?: Entered }
  /** Everything. Not for requests. */
  | { readonly kind: 'installation'; readonly purpose: InstallationPurpose };

/** A tenant, with who changes what is changed there. */
export interface Entered {
  readonly tenantId: string;
  readonly actor: string;
}

/** Why something needs to see all tenants: each is a reason that a reader can judge. */
export type InstallationPurpose =
  /** Epoch, trust anchor, and the first administrator. */
  | 'start'
  /** A token is known by its hash; whose it is follows. */
  | 'enrollment'
  /** What all edges should run, and which of their certificates are in force. */
  | 'distribution'
  | 'metrics'
  /** Which certificates are not to be believed: whoever asks has no tenant. */
  | 'revocation list'
  /** Which tenants have new events, for those who listen. */
  | 'event streams'
  /** What is to be delivered, whoever's. */
  | 'webhooks'
  /** Which tenants have not been told that an authority is about to end. */
  | 'authority alarms'
  /** Tests that look at what is stored. */
  | 'inspection';

export const ACCOUNTS: DatabaseScope = { kind: 'accounts' };

export function tenantScope(tenantId: string, actor?: string): DatabaseScope {
  return { kind: 'tenant', tenantId, ...(actor !== undefined && { actor }) };
}

export function personScope(userId: string, entering?: Entered): DatabaseScope {
  return { kind: 'person', userId, ...(entering !== undefined && { entering }) };
}

export function installationScope(purpose: InstallationPurpose): DatabaseScope {
  return { kind: 'installation', purpose };
}

/** Whether both see the same, whoever acts. */
export function sameScope(left: DatabaseScope, right: DatabaseScope | undefined): boolean {
  return right !== undefined && isDeepStrictEqual(seenIn(left), seenIn(right));
}

function seenIn(scope: DatabaseScope): DatabaseScope {
  return scope.kind === 'tenant' ? tenantScope(scope.tenantId) : scope;
}

/** A statement was about to run, and nothing says what it may see. A mistake in this program. */
export class NoDatabaseScopeError extends Error {
  override readonly name = 'NoDatabaseScopeError';
  readonly code = 'no_database_scope';

  constructor() {
    super('nothing says which tenant this statement is for; run it inside of DatabaseScopes.within(scope, …)');
  }
}

/**
 * The scope that is in force where it is asked. Requests get theirs from the interceptor, after the guard has let them in, and not
 * from those who write queries: an identifier that went the wrong way through a service meets a scope that did not.
 */
@Injectable()
export class DatabaseScopes {
  readonly #current = new AsyncLocalStorage<DatabaseScope>();

  /** Undefined where nothing says what may be seen. */
  get current(): DatabaseScope | undefined {
    return this.#current.getStore();
  }

  /** Runs `work`, and what it starts, in a scope. */
  within<T>(scope: DatabaseScope, work: () => T): T {
    return this.#current.run(scope, work);
  }
}
