import {
  type ApiToken,
  api,
  type ChangePassword,
  type CreateApiToken,
  type CreateUser,
  client,
  INTENT_INTERVAL_MS,
  type NewApiToken,
  type NewTotp,
  type RecoveryCodes,
  type RemoveTotp,
  type Tenant,
  type UpdateUser,
  type User,
  unwrap,
} from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

export const tenantQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}',
    { params: { path: { tenantId } } },
    { refetchInterval: INTENT_INTERVAL_MS },
  );

/** Whether nothing comes into force before somebody else has approved it: refused when someone changed the tenant since. */
export function changeApprovalRule({ id, version }: Tenant, approvalRequired: boolean): Promise<Tenant> {
  const params = { path: { tenantId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}', { params, body: { approvalRequired } }));
}

/** For admins of the tenant alone: whoever is none is refused. */
export const usersQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/users', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

/** Own tokens; for an admin those of everybody. */
export const apiTokensQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/api-tokens', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

export const ownSessionsQuery = listQuery('/api/v1/sessions', {}, { refetchInterval: INTENT_INTERVAL_MS });

export const totpQuery = api.queryOptions('get', '/api/v1/session/totp', {}, { refetchInterval: INTENT_INTERVAL_MS });

export function createUser(tenantId: string, body: CreateUser): Promise<User> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/users', { params: { path: { tenantId } }, body }));
}

/** Changes a user as it was read: refused when someone changed it since. */
export function updateUser(tenantId: string, { id, version }: User, body: UpdateUser): Promise<User> {
  const params = { path: { tenantId, userId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/users/{userId}', { params, body }));
}

/** Removes one as it was read: refused when someone changed it since. */
export function deleteUser(tenantId: string, { id, version }: User): Promise<unknown> {
  const params = { path: { tenantId, userId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/users/{userId}', { params }));
}

/** The answer is the only place where the token itself can be read. */
export function createApiToken(tenantId: string, body: CreateApiToken): Promise<NewApiToken> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/api-tokens', { params: { path: { tenantId } }, body }));
}

export function revokeApiToken(tenantId: string, { id }: ApiToken): Promise<unknown> {
  const path = { tenantId, tokenId: id };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/api-tokens/{tokenId}', { params: { path } }));
}

export function endSession(sessionId: string): Promise<unknown> {
  return unwrap(client.DELETE('/api/v1/sessions/{sessionId}', { params: { path: { sessionId } } }));
}

export function changePassword(body: ChangePassword): Promise<unknown> {
  return unwrap(client.PUT('/api/v1/session/password', { body }));
}

/** Of somebody who has lost the authenticator and the recovery codes. */
export function resetUserTotp(tenantId: string, { id }: User): Promise<unknown> {
  const path = { tenantId, userId: id };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/users/{userId}/totp', { params: { path } }));
}

/** The answer is the only place where the secret can be read. */
export function enrollTotp(body: { readonly currentPassword: string }): Promise<NewTotp> {
  return unwrap(client.POST('/api/v1/session/totp', { body }));
}

export function confirmTotp(body: { readonly code: string }): Promise<RecoveryCodes> {
  return unwrap(client.POST('/api/v1/session/totp/confirmation', { body }));
}

export function removeTotp(body: RemoveTotp): Promise<unknown> {
  return unwrap(client.POST('/api/v1/session/totp/removal', { body }));
}
