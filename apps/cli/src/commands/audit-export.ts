import type { Connection } from '../api/connection.js';
import { readPages } from '../api/pages.js';
import { type Io, note } from '../cli/io.js';
import { EXIT_OK, EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';

/** Which entries; undefined: all. */
export type AuditQuery = Readonly<Partial<Record<'actor' | 'action' | 'object' | 'since' | 'until', string>>>;

/** `weft audit export`: an entry in JSON on each line, the newest first. A chain of hashes that does not hold is a no. */
export async function exportAudit(io: Io, { client, tenantId }: Connection, query: AuditQuery): Promise<ExitCode> {
  const path = '/api/v1/tenants/{tenantId}/audit-entries';
  let brokenAt: number | null = null;
  for await (const page of readPages(client, tenantId, path, { ...query, limit: PAGE })) {
    for (const entry of page.items) io.write(`${JSON.stringify(entry)}\n`);
    brokenAt ??= page.brokenAt;
  }
  if (brokenAt === null) return EXIT_OK;
  note(io, `weft: the chain of hashes is broken at entry ${brokenAt}\n  somebody has changed the log in the database`);
  return EXIT_REFUSED;
}

/** What the controller gives at once. */
const PAGE = 200;
