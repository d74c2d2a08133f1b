import { queryOptions } from '@tanstack/react-query';
import {
  type Approval,
  api,
  client,
  INTENT_INTERVAL_MS,
  LIVE_INTERVAL_MS,
  type PublishResult,
  unwrap,
} from '../../api/index.js';

const REVISIONS_SHOWN = 50;

/** The newest ones, or those before one. */
export const revisionsQuery = (tenantId: string, before?: number) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/revisions',
    {
      params: {
        path: { tenantId },
        query: { limit: REVISIONS_SHOWN, ...(before === undefined ? {} : { before }) },
      },
    },
    { refetchInterval: INTENT_INTERVAL_MS },
  );

/** One revision with where it is applied, live. */
export const revisionQuery = (tenantId: string, number: number) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/revisions/{number}',
    { params: { path: { tenantId, number } } },
    { refetchInterval: LIVE_INTERVAL_MS },
  );

/** What the next revision would change. */
export const draftQuery = (tenantId: string) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/revisions/draft',
    { params: { path: { tenantId } } },
    { refetchInterval: INTENT_INTERVAL_MS },
  );

/** What the draft would change; of a version, so that it is read anew when the draft is another one. */
export const draftDiffQuery = (tenantId: string, version: string) =>
  queryOptions({
    queryKey: ['draft diff', tenantId, version],
    queryFn: () =>
      unwrap(client.GET('/api/v1/tenants/{tenantId}/revisions/draft/diff', { params: { path: { tenantId } } })),
  });

/** What a revision changed. It never becomes another. */
export const revisionDiffQuery = (tenantId: string, number: number) =>
  api.queryOptions(
    'get',
    '/api/v1/tenants/{tenantId}/revisions/{number}/diff',
    { params: { path: { tenantId, number } } },
    { staleTime: Number.POSITIVE_INFINITY },
  );

export interface PublishRequest {
  readonly comment: string;
  /** The draft that was seen: exactly that is published, or nothing. */
  readonly version: string;
  /** Why to publish although a proof fails. */
  readonly reason: string | undefined;
  /** Whether edges may lose much of what they run. */
  readonly agreeToRemovals: boolean;
}

export function publish(tenantId: string, request: PublishRequest): Promise<PublishResult> {
  const params = { path: { tenantId }, header: { 'If-Match': `"${request.version}"` } };
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/revisions', { params, body: publishBody(request) }));
}

/** Puts an earlier revision in force again. */
export function restore(
  tenantId: string,
  number: number,
  request: PublishRequest & { readonly dryRun: boolean },
): Promise<PublishResult> {
  const params = { path: { tenantId, number }, header: { 'If-Match': `"${request.version}"` } };
  const body = { ...publishBody(request), dryRun: request.dryRun };
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/revisions/{number}/restoration', { params, body }));
}

/** Approves exactly the draft that was seen, or that an earlier revision takes its place. */
export function approve(
  tenantId: string,
  version: string,
  { failedProof, restoredFrom }: { readonly failedProof: boolean; readonly restoredFrom: number | null },
): Promise<Approval> {
  const params = { path: { tenantId }, header: { 'If-Match': `"${version}"` } };
  const body = { comment: '', failedProof, ...(restoredFrom === null ? {} : { restoredFrom }) };
  return unwrap(client.POST('/api/v1/tenants/{tenantId}/revisions/draft/approvals', { params, body }));
}

/** Takes back an approval of the reader's own that nothing has come of. */
export function withdrawApproval(tenantId: string, approvalId: string): Promise<unknown> {
  const path = { tenantId, approvalId };
  return unwrap(
    client.DELETE('/api/v1/tenants/{tenantId}/revisions/draft/approvals/{approvalId}', { params: { path } }),
  );
}

function publishBody({ comment, reason, agreeToRemovals }: PublishRequest) {
  return { comment, agreeToRemovals, ...(reason === undefined ? {} : { override: { reason } }) };
}
