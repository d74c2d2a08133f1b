import { api, client, type OwnInvitation, type Session, unwrap } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

export const sessionQuery = api.queryOptions('get', '/api/v1/session', {}, { staleTime: Number.POSITIVE_INFINITY });

export const loginMethodsQuery = api.queryOptions(
  'get',
  '/api/v1/session/methods',
  {},
  { staleTime: Number.POSITIVE_INFINITY },
);

/** Tenants that the reader may enter. */
export const tenantsQuery = listQuery('/api/v1/tenants', {}, { staleTime: 60_000 });

/** Tenants that the reader is invited into. */
export const ownInvitationsQuery = listQuery('/api/v1/session/invitations', {}, {});

export function acceptInvitation({ id }: OwnInvitation): Promise<unknown> {
  const path = { invitationId: id };
  return unwrap(client.POST('/api/v1/session/invitations/{invitationId}/acceptance', { params: { path } }));
}

export function declineInvitation({ id }: OwnInvitation): Promise<unknown> {
  return unwrap(
    client.DELETE('/api/v1/session/invitations/{invitationId}', { params: { path: { invitationId: id } } }),
  );
}

/** The session goes on under another secret: whatever was asked with the one before is refused. */
export function enterTenant(tenantId: string): Promise<Session> {
  return unwrap(client.PUT('/api/v1/session/tenant', { body: { tenantId } }));
}

export interface LoginValues {
  readonly userName: string;
  readonly password: string;
  /** Of the second factor; absent where none is asked for. */
  readonly code?: string;
}

export function logIn(body: LoginValues): Promise<Session | undefined> {
  return unwrap<Session | undefined>(client.POST('/api/v1/session', { body }));
}

export function logOut(): Promise<unknown> {
  return unwrap(client.DELETE('/api/v1/session'));
}
