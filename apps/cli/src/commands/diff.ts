import type { RevisionDiff } from '@weft/contracts/rest';
import type { Connection } from '../api/connection.js';
import { answerOf } from '../api/refusal.js';
import { type Io, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { printable, renderTable } from '../output/table.js';
import { EXIT_OK, EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';

export interface DiffOptions {
  readonly json: boolean;
  /** A difference is a no, as of diff(1). */
  readonly exitCode: boolean;
  /** Undefined: the draft. */
  readonly revision: number | undefined;
}

/** `weft diff`: what the draft changes of what is in force, or a revision of the one before it. */
export async function diffRevisions(io: Io, connection: Connection, options: DiffOptions): Promise<ExitCode> {
  const diff = await withProgress(io.notes, 'comparing', readDiff(connection, options.revision));
  if (options.json) printJson(io, diff);
  else print(io, renderDiff(diff));
  return options.exitCode && isDifferent(diff) ? EXIT_REFUSED : EXIT_OK;
}

function readDiff({ client, tenantId }: Connection, revision: number | undefined): Promise<RevisionDiff> {
  const draft = '/api/v1/tenants/{tenantId}/revisions/draft/diff';
  if (revision === undefined) return answerOf(client.GET(draft, { params: { path: { tenantId } } }));
  const path = { tenantId, number: revision };
  return answerOf(client.GET('/api/v1/tenants/{tenantId}/revisions/{number}/diff', { params: { path } }));
}

/** Whether anything is otherwise: intent, or what it means for edges, tunnels and packets. Pure. */
export function isDifferent({ intent, affectedEdges, tunnels, flows }: RevisionDiff): boolean {
  return [intent, affectedEdges, tunnels, flows].some((list) => list.length > 0);
}

/** Pure. */
export function renderDiff(diff: RevisionDiff): string {
  const from = diff.from === null ? 'nothing' : `revision ${diff.from}`;
  const to = diff.to === null ? 'the draft' : `revision ${diff.to}`;
  if (!isDifferent(diff)) return `from ${from} to ${to}: no difference`;
  const { blastRadius: blast } = diff;
  return [
    `from ${from} to ${to}:`,
    intentTable(diff),
    flowTable(diff),
    `edges ${blast.edges}, tunnels +${blast.tunnelsAdded} -${blast.tunnelsRemoved} ~${blast.tunnelsChanged}, ` +
      `pairs of sites +${blast.sitePairsAllowed} -${blast.sitePairsDenied}${blast.complete ? '' : ', and more'}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function intentTable({ intent }: RevisionDiff): string {
  if (intent.length === 0) return '';
  const rows = intent.flatMap(({ change, noun, name, fields }) => [
    [change, noun.replace('_', ' '), name, ''],
    ...fields.map(({ field, before, after }) => ['', '', `  ${field}`, `${asText(before)} → ${asText(after)}`]),
  ]);
  return renderTable(['change', 'noun', 'name', 'before and after'], rows);
}

function flowTable({ flows }: RevisionDiff): string {
  if (flows.length === 0) return '';
  const rows = flows.map(({ change, sourceSite, destinationSite, ruleBefore, ruleAfter, example }) => [
    change.replace('_', ' '),
    `${sourceSite.name} → ${destinationSite.name}`,
    example.text,
    `${ruleBefore?.name ?? 'no rule'} → ${ruleAfter?.name ?? 'no rule'}`,
  ]);
  return renderTable(['packets', 'sites', 'for example', 'rule'], rows);
}

function asText(value: unknown): string {
  return value === undefined || value === null ? 'nothing' : printable(JSON.stringify(value));
}
