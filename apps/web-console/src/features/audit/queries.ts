import { queryOptions } from '@tanstack/react-query';
import { type AuditEntry, type AuditLog, client, unwrap } from '../../api/index.js';
import type { AuditSearch } from './search.js';

/** On one page of the console. */
const PAGE_ENTRIES = 100;
/** As many as the controller gives at a time. */
const MOST_ENTRIES = 200;

/** A page of what is looked for, newest entries first, and whether the chain of the whole log holds. */
export const auditQuery = (tenantId: string, search: AuditSearch) =>
  queryOptions({
    queryKey: ['audit', tenantId, search],
    queryFn: () => readPage(tenantId, search, PAGE_ENTRIES),
    // The whole chain is looked at for each page: only when somebody asks.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: 'always',
  });

/** Every entry there is, newest first, with the verdict on the chain that came with the first of them. */
export async function readWholeLog(tenantId: string): Promise<Pick<AuditLog, 'items' | 'brokenAt'>> {
  const entries: AuditEntry[] = [];
  let page = await readPage(tenantId, {}, MOST_ENTRIES);
  const { brokenAt } = page;
  for (;;) {
    entries.push(...page.items);
    if (page.next === null) return { items: entries, brokenAt };
    page = await readPage(tenantId, { before: page.next }, MOST_ENTRIES);
  }
}

function readPage(tenantId: string, search: AuditSearch, limit: number): Promise<AuditLog> {
  const params = { path: { tenantId }, query: { ...search, limit } };
  return unwrap(client.GET('/api/v1/tenants/{tenantId}/audit-entries', { params }));
}
