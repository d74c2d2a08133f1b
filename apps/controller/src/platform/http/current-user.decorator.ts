import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Role } from './role.js';

/** Who makes a request, as the session or the API token says. */
export interface CurrentUser {
  readonly id: string;
  readonly name: string;
  /** The tenant that the user belongs to. */
  readonly tenantId: string;
  /** In that tenant. */
  readonly role: Role;
  /** In every tenant, and for what concerns all of them; null for who is none of the provider's. */
  readonly providerRole: Role | null;
  /** Whether the user logs in at the OpenID provider, and has no password here. */
  readonly oidc: boolean;
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
