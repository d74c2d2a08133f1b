import type { Configuration, ImportResult } from '@weft/contracts/rest';
import type { Connection } from '../api/connection.js';
import { answerOf } from '../api/refusal.js';
import { writeOnce } from '../api/write-once.js';
import { type Io, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { printable, renderTable } from '../output/table.js';
import { EXIT_OK, EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';
import type { TenantDocument } from './tenant-document.js';

export interface ApplyOptions {
  readonly json: boolean;
  readonly dryRun: boolean;
  /** What a list of the document does not name is removed. */
  readonly prune: boolean;
}

/** `weft apply`: the draft becomes what the document says, in one transaction, or stays as it was. */
export async function applyDocument(
  io: Io,
  connection: Connection,
  document: TenantDocument,
  options: ApplyOptions,
): Promise<ExitCode> {
  const work = importDocument(connection, document, options);
  const result = await withProgress(io.notes, options.dryRun ? 'trying' : 'applying', work);
  if (options.json) printJson(io, result);
  else print(io, renderImport(result, options.dryRun));
  return EXIT_OK;
}

/** `weft validate`: whether the controller would take the document. What it refuses is a Refusal, and so ends with 1. */
export async function validateDocument(
  io: Io,
  connection: Connection,
  document: TenantDocument,
  json: boolean,
): Promise<ExitCode> {
  const work = importDocument(connection, document, { dryRun: true, prune: false });
  const result = await withProgress(io.notes, 'validating', work);
  if (json) printJson(io, result);
  else print(io, `valid; applied, ${renderCounts(result)}`);
  return EXIT_OK;
}

/** `weft diff -f`: what applying the document would change. With `exitCode` a difference is a no. */
export async function diffDocument(
  io: Io,
  connection: Connection,
  document: TenantDocument,
  options: { readonly json: boolean; readonly prune: boolean; readonly exitCode: boolean },
): Promise<ExitCode> {
  const work = importDocument(connection, document, { dryRun: true, prune: options.prune });
  const result = await withProgress(io.notes, 'comparing', work);
  if (options.json) printJson(io, result);
  else print(io, renderImport(result, true));
  return options.exitCode && result.changed ? EXIT_REFUSED : EXIT_OK;
}

function importDocument(
  { client, tenantId }: Connection,
  { text, mediaType }: TenantDocument,
  { dryRun, prune }: Pick<ApplyOptions, 'dryRun' | 'prune'>,
): Promise<ImportResult> {
  return writeOnce((key) =>
    answerOf(
      client.POST('/api/v1/tenants/{tenantId}/configuration/import', {
        params: {
          path: { tenantId },
          query: { dryRun, prune: prune ? 'true' : 'false' },
          header: { 'Idempotency-Key': key },
        },
        headers: { 'content-type': mediaType },
        // The text goes as it was written, so that what the controller says of it fits the file.
        body: text as unknown as Configuration,
        bodySerializer: String,
      }),
    ),
  );
}

/** Every item that is not as it was, field by field, and how many there are of each kind. Pure. */
export function renderImport(result: ImportResult, dryRun: boolean): string {
  const rows = result.items
    .filter(({ outcome }) => outcome !== 'unchanged' && outcome !== 'kept')
    .flatMap(({ outcome, noun, name, differences }) => [
      [outcome, noun.replace('_', ' '), name, ''],
      ...differences.map(({ pointer, before, after }) => [
        '',
        '',
        `  ${pointer}`,
        `${asText(before)} → ${asText(after)}`,
      ]),
    ]);
  const table = rows.length === 0 ? [] : [renderTable(['what', 'noun', 'name', 'before and after'], rows)];
  return [...table, `${dryRun ? 'would be: ' : ''}${renderCounts(result)}`].join('\n');
}

function renderCounts({ changed, counts }: ImportResult): string {
  if (!changed) return 'nothing changed';
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
}

function asText(value: unknown): string {
  return value === undefined || value === null ? 'nothing' : printable(JSON.stringify(value));
}
