import type { Revision } from '@weft/contracts/rest';
import type { Connection } from '../api/connection.js';
import { answerOf } from '../api/refusal.js';
import { type Io, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { renderTable } from '../output/table.js';
import { EXIT_OK, type ExitCode } from '../platform/exit-code.js';

/** `weft revisions`: the newest first, as many as are wanted and there are. */
export async function listRevisions(
  io: Io,
  connection: Connection,
  options: { readonly json: boolean; readonly limit: number },
): Promise<ExitCode> {
  const items = await withProgress(io.notes, 'reading revisions', readNewest(connection, options.limit));
  if (options.json) printJson(io, { items });
  else print(io, renderTable(['number', 'published', 'by', 'approved by', 'comment'], items.map(cellsOf)));
  return EXIT_OK;
}

async function readNewest({ client, tenantId }: Connection, limit: number): Promise<Revision[]> {
  const all: Revision[] = [];
  let before: number | undefined;
  while (all.length < limit) {
    const query = { limit: Math.min(limit - all.length, PAGE), ...(before === undefined ? {} : { before }) };
    const asked = client.GET('/api/v1/tenants/{tenantId}/revisions', { params: { path: { tenantId }, query } });
    const { items, next } = await answerOf(asked);
    all.push(...items);
    if (next === null) break;
    before = next;
  }
  return all;
}

function cellsOf({ number, publishedAt, author, approvedBy, comment, restoredFrom }: Revision): string[] {
  const restored = restoredFrom === null ? '' : `(restored ${restoredFrom}) `;
  return [String(number), publishedAt, author, approvedBy ?? '-', `${restored}${comment}`];
}

/** What the controller gives at once. */
const PAGE = 200;
