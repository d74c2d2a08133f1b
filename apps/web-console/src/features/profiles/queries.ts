import { client, INTENT_INTERVAL_MS, type Profile, type ProfileInput, type Tenant, unwrap } from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

/** Profiles by name. */
export const profilesQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/profiles', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

export function createProfile(tenantId: string, body: ProfileInput): Promise<Profile> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/profiles', { params: { path: { tenantId } }, body }));
}

/** Replaces a profile as it was read: refused when someone changed it since. */
export function replaceProfile(tenantId: string, profile: Profile, body: ProfileInput): Promise<Profile> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/profiles/{profileId}', {
      params: { path: { tenantId, profileId: profile.id }, header: { 'If-Match': `"${profile.version}"` } },
      body,
    }),
  );
}

/** Removes one as it was read: refused when someone changed it since. */
export function deleteProfile(tenantId: string, { id, version }: Profile): Promise<unknown> {
  const params = { path: { tenantId, profileId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/profiles/{profileId}', { params }));
}

/** Of rules that name none; null: the product's. */
export function chooseDefaultProfile(tenantId: string, defaultProfileId: string | null): Promise<Tenant> {
  const body = { defaultProfileId };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}', { params: { path: { tenantId } }, body }));
}
