import type { Connection } from '../api/connection.js';
import { type Io, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { renderTable } from '../output/table.js';
import { CliError } from '../platform/cli-error.js';
import { EXIT_OK, EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';
import type { ReadItem, Resource } from './resources.js';

/** There is nothing by this name, or more than one. */
export class ItemError extends CliError<'item_unknown' | 'item_ambiguous'> {
  override readonly name = 'ItemError';

  constructor(code: ItemError['code'], detail: string, fix: string) {
    super(code, detail, fix, EXIT_REFUSED);
  }
}

/** `weft get`: a list, or the one item with this id or name. */
export async function getResource(
  io: Io,
  { client, tenantId }: Connection,
  { word, resource }: { readonly word: string; readonly resource: Resource },
  options: { readonly wanted: string | undefined; readonly json: boolean },
): Promise<ExitCode> {
  const all = await withProgress(io.notes, `reading ${word}`, resource.read(client, tenantId));
  const { wanted } = options;
  if (wanted === undefined) {
    if (options.json) printJson(io, { items: all.map(({ item }) => item) });
    else print(io, tableOf(resource, all));
    return EXIT_OK;
  }
  const found = pick(word, all, wanted);
  if (options.json) printJson(io, found.item);
  else print(io, tableOf(resource, [found]));
  return EXIT_OK;
}

/** An id goes before a name. Pure. Throws ItemError. */
export function pick(word: string, all: readonly ReadItem[], wanted: string): ReadItem {
  const byId = all.find(({ id }) => id === wanted);
  if (byId !== undefined) return byId;
  const [found, ...others] = all.filter(({ name }) => name === wanted);
  if (found === undefined) {
    throw new ItemError(
      'item_unknown',
      `${word} has no ${JSON.stringify(wanted)}`,
      `weft get ${word} lists all of them`,
    );
  }
  if (others.length === 0) return found;
  const ids = [found, ...others].map(({ id }) => id).join(', ');
  throw new ItemError('item_ambiguous', `${word} has several ${JSON.stringify(wanted)}`, `give the id: ${ids}`);
}

function tableOf({ headings }: Resource, items: readonly ReadItem[]): string {
  return renderTable(
    headings,
    items.map(({ cells }) => cells),
  );
}
