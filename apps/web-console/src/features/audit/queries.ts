import { infiniteQueryOptions } from '@tanstack/react-query';
import { type AuditEntry, type AuditLog, client, unwrap } from '../../api/index.js';

/** As many as the controller gives at a time. */
const PAGE_ENTRIES = 200;

/** The log from the newest entry backwards, a page at a time, and whether its chain holds. */
export const auditQuery = (tenantId: string) =>
  infiniteQueryOptions({
    queryKey: ['audit', tenantId],
    queryFn: ({ pageParam }) => readPage(tenantId, pageParam),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    // The whole chain is looked at for each page: only when somebody asks.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: 'always',
  });

/** Every entry there is, newest first, with the verdict on the chain that came with the first of them. */
export async function readWholeLog(tenantId: string): Promise<Pick<AuditLog, 'items' | 'brokenAt'>> {
  const entries: AuditEntry[] = [];
  let page = await readPage(tenantId, undefined);
  const { brokenAt } = page;
  for (;;) {
    entries.push(...page.items);
    if (page.next === null) return { items: entries, brokenAt };
    page = await readPage(tenantId, page.next);
  }
}

function readPage(tenantId: string, before: number | undefined): Promise<AuditLog> {
  const query = { limit: PAGE_ENTRIES, ...(before !== undefined && { before }) };
  return unwrap(client.GET('/api/v1/tenants/{tenantId}/audit-entries', { params: { path: { tenantId }, query } }));
}
