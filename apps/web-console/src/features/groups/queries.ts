import { client, type Group, type GroupInput, INTENT_INTERVAL_MS, unwrap } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

/** Groups by name. */
export const groupsQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/groups', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

export function createGroup(tenantId: string, body: GroupInput): Promise<Group> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/groups', { params: { path: { tenantId } }, body }));
}

/** Replaces a group as it was read: refused when someone changed it since. */
export function replaceGroup(tenantId: string, group: Group, body: GroupInput): Promise<Group> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/groups/{groupId}', {
      params: { path: { tenantId, groupId: group.id }, header: { 'If-Match': `"${group.version}"` } },
      body,
    }),
  );
}

/** Removes one as it was read: refused when someone changed it since. */
export function deleteGroup(tenantId: string, { id, version }: Group): Promise<unknown> {
  const params = { path: { tenantId, groupId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/groups/{groupId}', { params }));
}
