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

export function updateSite(tenantId: string, siteId: string, body: UpdateSite): Promise<Site> {
  const path = { tenantId, siteId };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/sites/{siteId}', { params: { path }, body }));
}

export function deleteSite(tenantId: string, siteId: string): Promise<unknown> {
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/sites/{siteId}', { params: { path: { tenantId, siteId } } }));
}

export function createNetwork(tenantId: string, body: CreateNetwork): Promise<Network> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/networks', { params: { path: { tenantId } }, body }));
}

/** What the change does not name stays; labels are replaced as a whole. */
export function updateNetwork(
  tenantId: string,
  networkId: string,
  body: Partial<Pick<Network, 'name' | 'labels'>> & { mappedPrefix?: string | null },
): Promise<Network> {
  const path = { tenantId, networkId };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/networks/{networkId}', { params: { path }, body }));
}

export function deleteNetwork(tenantId: string, networkId: string): Promise<unknown> {
  const path = { tenantId, networkId };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/networks/{networkId}', { params: { path } }));
}

export function createEdge(tenantId: string, body: CreateEdge): Promise<Edge> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/edges', { params: { path: { tenantId } }, body }));
}

export function updateEdge(tenantId: string, edgeId: string, body: UpdateEdge): Promise<Edge> {
  const path = { tenantId, edgeId };
  return unwrap(client.PATCH('/api/v1/tenants/{tenantId}/edges/{edgeId}', { params: { path }, body }));
}

export function revokeEdge(tenantId: string, edgeId: string, reason: string): Promise<Edge> {
  const path = { tenantId, edgeId };
  return unwrap(
    client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/revocation', { params: { path }, body: { reason } }),
  );
}

export function deleteEdge(tenantId: string, edgeId: string): Promise<unknown> {
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/edges/{edgeId}', { params: { path: { tenantId, edgeId } } }));
}

/** Makes a one-time token; the answer is the only place where it can be read. */
export function createEnrollmentToken(tenantId: string, edgeId: string): Promise<EnrollmentToken> {
  const path = { tenantId, edgeId };
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/enrollment-tokens', { params: { path } }));
}
