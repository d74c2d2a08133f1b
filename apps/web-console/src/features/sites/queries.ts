import {
  type CreateEdge,
  type CreateNetwork,
  type CreateSite,
  client,
  type Edge,
  type EnrollmentToken,
  INTENT_INTERVAL_MS,
  LIVE_INTERVAL_MS,
  type Network,
  type Site,
  type UpdateEdge,
  type UpdateSite,
  unwrap,
} from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

export const sitesQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/sites', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

export const networksQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/networks', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

/** Edges with what is known of them now. */
export const edgesQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/edges', { tenantId }, { refetchInterval: LIVE_INTERVAL_MS });

export function createSite(tenantId: string, body: CreateSite): Promise<Site> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/sites', { params: { path: { tenantId } }, body }));
}

/** Changes a site as it was read: refused when someone changed it since. As with everything below. */
export function updateSite(tenantId: string, { id: siteId, version }: Site, body: UpdateSite): Promise<Site> {
  const params = { path: { tenantId, siteId }, header: asRead(version) };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/sites/{siteId}', { params, body }));
}

export function deleteSite(tenantId: string, { id: siteId, version }: Site): Promise<unknown> {
  const params = { path: { tenantId, siteId }, header: asRead(version) };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/sites/{siteId}', { params }));
}

export function createNetwork(tenantId: string, body: CreateNetwork): Promise<Network> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/networks', { params: { path: { tenantId } }, body }));
}

/** What the change does not name stays; labels are replaced as a whole. */
export function updateNetwork(
  tenantId: string,
  { id: networkId, version }: Network,
  body: Partial<Pick<Network, 'name' | 'labels'>> & { mappedPrefix?: string | null },
): Promise<Network> {
  const params = { path: { tenantId, networkId }, header: asRead(version) };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/networks/{networkId}', { params, body }));
}

export function deleteNetwork(tenantId: string, { id: networkId, version }: Network): Promise<unknown> {
  const params = { path: { tenantId, networkId }, header: asRead(version) };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/networks/{networkId}', { params }));
}

export function createEdge(tenantId: string, body: CreateEdge): Promise<Edge> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/edges', { params: { path: { tenantId } }, body }));
}

export function updateEdge(tenantId: string, { id: edgeId, version }: Edge, body: UpdateEdge): Promise<Edge> {
  const params = { path: { tenantId, edgeId }, header: asRead(version) };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/edges/{edgeId}', { params, body }));
}

export function revokeEdge(tenantId: string, { id: edgeId, version }: Edge, reason: string): Promise<Edge> {
  const params = { path: { tenantId, edgeId }, header: asRead(version) };
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/revocation', { params, body: { reason } }));
}

export function deleteEdge(tenantId: string, { id: edgeId, version }: Edge): Promise<unknown> {
  const params = { path: { tenantId, edgeId }, header: asRead(version) };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/edges/{edgeId}', { params }));
}

/** Makes a one-time token; the answer is the only place where it can be read. */
export function createEnrollmentToken(tenantId: string, edgeId: string): Promise<EnrollmentToken> {
  const path = { tenantId, edgeId };
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/enrollment-tokens', { params: { path } }));
}

function asRead(version: number): { 'If-Match': string } {
  return { 'If-Match': `"${version}"` };
}
