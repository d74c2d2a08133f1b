import type { Draft, Finding, Publish, PublishResult } from '@weft/contracts/rest';
import type { Connection } from '../api/connection.js';
import { answerOf } from '../api/refusal.js';
import { writeOnce } from '../api/write-once.js';
import { type Io, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { printable } from '../output/table.js';
import { EXIT_OK, type ExitCode } from '../platform/exit-code.js';

export interface PublishOptions {
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly comment: string | undefined;
  /** Why it comes into force although a proof fails; undefined: it does not. */
  readonly overrideReason: string | undefined;
  /** Edges may lose more than they accept unasked. */
  readonly agreeToRemovals: boolean;
}

/** `weft publish`: the draft comes into force as it was read, or not at all. A draft that changes nothing is left alone. */
export async function publishDraft(io: Io, connection: Connection, options: PublishOptions): Promise<ExitCode> {
  const { client, tenantId } = connection;
  const asked = client.GET('/api/v1/tenants/{tenantId}/revisions/draft', { params: { path: { tenantId } } });
  const draft = await withProgress(io.notes, 'proving the draft', answerOf(asked));
  if (!draft.changed && draft.baseRevision !== null) {
    sayUnchanged(io, draft, options);
    return EXIT_OK;
  }
  const result = await withProgress(io.notes, 'publishing', publish(connection, draft, options));
  sayPublished(io, result, options);
  return EXIT_OK;
}

function publish({ client, tenantId }: Connection, draft: Draft, options: PublishOptions): Promise<PublishResult> {
  return writeOnce((key) =>
    answerOf(
      client.POST('/api/v1/tenants/{tenantId}/revisions', {
        params: {
          path: { tenantId },
          query: { dryRun: options.dryRun },
          header: { 'If-Match': `"${draft.version}"`, 'Idempotency-Key': key },
        },
        body: bodyOf(options),
      }),
    ),
  );
}

/** What a publication is asked for with. Pure. */
export function bodyOf({ comment, overrideReason, agreeToRemovals }: PublishOptions): Publish {
  return {
    agreeToRemovals,
    ...(comment === undefined ? {} : { comment }),
    ...(overrideReason === undefined ? {} : { override: { reason: overrideReason } }),
  };
}

/** In the form of a publication, so that a program need not tell the two apart. */
function sayUnchanged(io: Io, draft: Draft, { json, dryRun }: PublishOptions): void {
  const { findings, affectedEdges, blastRadius } = draft;
  if (json) printJson(io, { dryRun, revision: null, findings, affectedEdges, blastRadius });
  else print(io, `nothing to publish: the draft is what revision ${draft.baseRevision} says`);
}

/** A trial has done everything and undone it again: the number that the revision would have is nobody's. */
export function sayPublished(io: Io, result: PublishResult, { json, dryRun }: PublishOptions): void {
  if (json) printJson(io, dryRun ? { ...result, dryRun, revision: null } : result);
  else print(io, renderPublication(result, dryRun));
}

/** Pure. */
export function renderPublication(result: PublishResult, dryRun: boolean): string {
  const { revision, findings, affectedEdges, blastRadius } = result;
  const edges = affectedEdges.map(({ edgeName, change }) => `${printable(edgeName)} (${change})`).join(', ');
  return [
    dryRun ? 'it could be published' : `revision ${revision?.number} is in force`,
    ...findings.map(renderFinding),
    `edges ${blastRadius.edges}${edges === '' ? '' : `: ${edges}`}`,
  ].join('\n');
}

/** Pure. */
export function renderFinding({ kind, pointer, detail, fix, counterexample }: Finding): string {
  const packet = counterexample === null ? '' : `\n    packet: ${printable(counterexample.text)}`;
  return `  ${printable(pointer)}  (${kind})\n    ${printable(detail)}${packet}\n    fix: ${printable(fix)}`;
}
