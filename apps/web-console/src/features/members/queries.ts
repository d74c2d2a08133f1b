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

export function changeMemberRole(tenantId: string, { userId }: Member, role: Role): Promise<Member> {
  const path = { tenantId, userId };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/members/{userId}', { params: { path }, body: { role } }));
}

export function removeMember(tenantId: string, { userId }: Member): Promise<unknown> {
  const path = { tenantId, userId };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/members/{userId}', { params: { path } }));
}

export function invite(tenantId: string, body: CreateInvitation): Promise<Invitation> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/invitations', { params: { path: { tenantId } }, body }));
}

export function withdrawInvitation(tenantId: string, { id }: Invitation): Promise<unknown> {
  const path = { tenantId, invitationId: id };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/invitations/{invitationId}', { params: { path } }));
}
