import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

/** Who makes a request, as the session says. */
export interface CurrentUser {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
  /** May make tenants and work in every one of them. */
  readonly administrator: boolean;
}

export type AuthenticatedRequest = Request & { user?: CurrentUser };

/** Hands a handler the user that the guard has found. */
export const User = createParamDecorator((_: unknown, context: ExecutionContext): CurrentUser => {
  const { user } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (user === undefined) {
    throw new Error('a handler that asks for the user is not guarded: it is marked @Public()');
  }
  return user;
});
