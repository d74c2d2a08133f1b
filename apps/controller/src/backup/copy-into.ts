import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BackupConnection, type CatalogueTable, quoted } from './catalogue.js';

/**
 * Fills a table with lines of COPY's text format. Resolves when Postgres has taken all of them, foreign keys and constraints included.
 *
 * @throws PostgresError when it did not: the transaction is over then
 */
export async function copyInto(
  connection: BackupConnection,
  { name, columns }: CatalogueTable,
  lines: AsyncIterable<Buffer>,
): Promise<void> {
  const query = connection.unsafe(`copy ${quoted(name)} (${columns.map(quoted).join(', ')}) from stdin`);
  const target = await query.writable();
  const refused = new AbortController();
  const failure = new Promise<never>((_, reject) => {
    // postgres.js 3.4 settles the query when the stream is there; what Postgres says after that reaches nobody but this.
    Object.assign(query, {
      reject: (error: unknown) => {
        reject(error);
        refused.abort();
      },
    });
  });
  await Promise.race([pipeline(Readable.from(lines), target, { signal: refused.signal }), failure]);
}
