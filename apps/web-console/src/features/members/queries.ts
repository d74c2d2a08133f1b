import {
  type CreateInvitation,
  client,
  INTENT_INTERVAL_MS,
  type Invitation,
  type Member,
  unwrap,
} from '../../api/index.js';
import { listQuery } from '../../api/lists.js';
import type { Role } from '../access/roles.js';

/** For admins of the tenant alone: whoever is none is refused. */
export const membersQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/members', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

/** For admins, too. */
export const invitationsQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/invitations', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

/** Changes a member as it was read: refused when someone changed it since. */
export function changeMemberRole(tenantId: string, { userId, version }: Member, role: Role): Promise<Member> {
  const params = { path: { tenantId, userId }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/members/{userId}', { params, body: { role } }));
}

/** Removes one as it was read: refused when someone changed it since. */
export function removeMember(tenantId: string, { userId, version }: Member): Promise<unknown> {
  const params = { path: { tenantId, userId }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/members/{userId}', { params }));
}

export function invite(tenantId: string, body: CreateInvitation): Promise<Invitation> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/invitations', { params: { path: { tenantId } }, body }));
}

export function withdrawInvitation(tenantId: string, { id }: Invitation): Promise<unknown> {
  const path = { tenantId, invitationId: id };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/invitations/{invitationId}', { params: { path } }));
}
