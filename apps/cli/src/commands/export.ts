import type { Connection } from '../api/connection.js';
import { answerOf } from '../api/refusal.js';
import type { Io } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { EXIT_OK, type ExitCode } from '../platform/exit-code.js';

/** `weft export`: the tenant as a document, to the octet as the controller writes it. */
export async function exportTenant(io: Io, { client, tenantId }: Connection, json: boolean): Promise<ExitCode> {
  const asked = client.GET('/api/v1/tenants/{tenantId}/configuration/export', {
    params: { path: { tenantId }, query: { format: json ? 'json' : 'yaml' } },
    parseAs: 'text',
  });
  io.write(await withProgress(io.notes, 'exporting', answerOf(asked)));
  return EXIT_OK;
}
