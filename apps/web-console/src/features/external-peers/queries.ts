import {
  api,
  type CreateExternalPeer,
  client,
  type ExternalPeer,
  type ExternalPeerImport,
  type ExternalPeerImportResult,
  INTENT_INTERVAL_MS,
  type ReplaceExternalPeer,
  unwrap,
} from '../../api/index.js';
import { listQuery } from '../../api/lists.js';

export type SnippetFormat = 'swanctl' | 'libreswan';

/** Gateways that are not ours, and remote hosts, by name. */
export const externalPeersQuery = (tenantId: string) =>
  listQuery('/api/v1/tenants/{tenantId}/external-peers', { tenantId }, { refetchInterval: INTENT_INTERVAL_MS });

/** What the operator of the gateway, or the host, configures, by the draft. */
export const snippetQuery = (tenantId: string, externalPeerId: string, format: SnippetFormat) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/external-peers/{externalPeerId}/snippet',
    { params: { path: { tenantId, externalPeerId }, query: { format } } },
    // A peer for which there is no snippet has none the next time, either.
    { retry: false },
  );

export function createExternalPeer(tenantId: string, body: CreateExternalPeer): Promise<ExternalPeer> {
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/external-peers', { params: { path: { tenantId } }, body }));
}

/** Replaces a peer as it was read: refused when someone changed it since. */
export function replaceExternalPeer(
  tenantId: string,
  { id, version }: ExternalPeer,
  body: ReplaceExternalPeer,
): Promise<ExternalPeer> {
  return unwrap(
    client.PUT('/api/v1/tenants/{tenantId}/external-peers/{externalPeerId}', {
      params: { path: { tenantId, externalPeerId: id }, header: { 'If-Match': `"${version}"` } },
      body,
    }),
  );
}

/** Removes one as it was read: refused when someone changed it since. */
export function deleteExternalPeer(tenantId: string, { id, version }: ExternalPeer): Promise<unknown> {
  const params = { path: { tenantId, externalPeerId: id }, header: { 'If-Match': `"${version}"` } };
  return unwrap(client.DELETE('/api/v1/tenants/{tenantId}/external-peers/{externalPeerId}', { params }));
}

/** `try` says what would become of the text and changes nothing. */
export function importExternalPeers(
  tenantId: string,
  body: ExternalPeerImport,
  how: 'try' | 'do',
): Promise<ExternalPeerImportResult> {
  const query = how === 'try' ? { dryRun: true } : {};
  return unwrap(
    client.POST('/api/v1/tenants/{tenantId}/external-peers/import', { params: { path: { tenantId }, query }, body }),
  );
}
