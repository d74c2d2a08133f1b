import { client, type paths, unwrap } from './index.js';

/** Paths whose answer is a page of a list that is read from a place in it on. */
export type ListPath = {
  [Path in keyof paths]: paths[Path]['get'] extends { parameters: { query?: { after?: string } } } ? Path : never;
}[keyof paths];

type AnswerOf<Path extends ListPath> = paths[Path]['get'] extends {
  responses: { 200: { content: { 'application/json': infer Answer } } };
}
  ? Answer
  : never;

/** What such a list is of. */
export type ItemOf<Path extends ListPath> = AnswerOf<Path> extends { items: (infer Item)[] } ? Item : never;

type PathParameters<Path extends ListPath> = paths[Path]['get'] extends { parameters: { path: infer Parameters } }
  ? Parameters
  : Record<string, never>;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

interface PageQuery {
  readonly limit: number;
  readonly after?: string;
}

interface ListOptions {
  readonly refetchInterval?: number;
  readonly staleTime?: number;
}

/** Query options of a whole list, however many pages the controller gives it in. */
export function listQuery<Path extends ListPath>(path: Path, parameters: PathParameters<Path>, options: ListOptions) {
  return {
    queryKey: ['get', path, { params: { path: parameters } }] as const,
    queryFn: ({ signal }: { readonly signal: AbortSignal }) => readWholeList(path, parameters, signal),
    ...options,
  };
}

/** Every entry, in order. Throws what reading a page does. */
export async function readToEnd<Item>(read: (query: PageQuery) => Promise<Page<Item>>): Promise<{ items: Item[] }> {
  const items: Item[] = [];
  let query: PageQuery = { limit: PAGE };
  for (;;) {
    const page = await read(query);
    items.push(...page.items);
    if (page.next === null) return { items };
    query = { limit: PAGE, after: page.next };
  }
}

function readWholeList<Path extends ListPath>(
  path: Path,
  parameters: PathParameters<Path>,
  signal: AbortSignal,
): Promise<{ items: ItemOf<Path>[] }> {
  // The compiler cannot follow a path that it does not know; ItemOf says what comes of it.
  const get = client.GET as unknown as (path: Path, init: object) => Promise<{ data?: unknown; response: Response }>;
  return readToEnd(async (query) => {
    const page = await unwrap(get(path, { params: { path: parameters, query }, signal }));
    return page as Page<ItemOf<Path>>;
  });
}

/** As many as the controller gives at a time. */
const PAGE = 1000;
