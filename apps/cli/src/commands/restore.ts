import type { Connection } from '../api/connection.js';
import { answerOf } from '../api/refusal.js';
import { writeOnce } from '../api/write-once.js';
import type { Io } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { EXIT_OK, type ExitCode } from '../platform/exit-code.js';
import { bodyOf, type PublishOptions, sayPublished } from './publish.js';

/** `weft restore`: an earlier revision comes into force again, and the draft as it was read is lost. */
export async function restoreRevision(
  io: Io,
  connection: Connection,
  number: number,
  options: PublishOptions,
): Promise<ExitCode> {
  const result = await withProgress(io.notes, 'restoring', restore(connection, number, options));
  sayPublished(io, result, options);
  return EXIT_OK;
}

async function restore({ client, tenantId }: Connection, number: number, options: PublishOptions) {
  const path = { tenantId };
  const { version } = await answerOf(client.GET('/api/v1/tenants/{tenantId}/revisions/draft', { params: { path } }));
  return writeOnce((key) =>
    answerOf(
      client.POST('/api/v1/tenants/{tenantId}/revisions/{number}/restoration', {
        params: {
          path: { tenantId, number },
          query: { dryRun: options.dryRun },
          header: { 'If-Match': `"${version}"`, 'Idempotency-Key': key },
        },
        body: bodyOf(options),
      }),
    ),
  );
}
