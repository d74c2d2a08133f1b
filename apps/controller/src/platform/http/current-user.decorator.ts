import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Role } from './role.js';

/** Whose password and second factor it is. */
export interface Account {
  readonly id: string;
  readonly name: string;
  /** The tenant that keeps the account: its audit log has what becomes of it. */
  readonly homeTenantId: string;
  /** Whether the user logs in at the OpenID provider, and has no password here. */
  readonly oidc: boolean;
}

/** Who makes a request, as the session or the API token says. */
export interface CurrentUser extends Account {
  /** The tenant in force; null for a session that has entered none yet. */
  readonly tenantId: string | null;
  /** As a member of that tenant; null for who is none, as people of the provider may be. */
  readonly role: Role | null;
  /** In every tenant, and for what concerns all of them; null for who is none of the provider's. */
  readonly providerRole: Role | null;
  /** Whether it is a break-glass session: somebody who has the host of the controller, and nobody knows who. */
  readonly breakGlass?: boolean;
  /** The token that acts on the user's behalf; absent when it is the user. */
  readonly apiToken?: { readonly id: string; readonly name: string };
}

export type AuthenticatedRequest = Request & { user?: CurrentUser };

/** Hands a handler the user that the guard has found. */
export const User = createParamDecorator((_: unknown, context: ExecutionContext): CurrentUser => {
  const { user } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (user === undefined) {
    throw new Error('a handler that asks for the user is open to everybody');
  }
  return user;
});
