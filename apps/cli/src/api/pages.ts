import type { paths, WeftClient } from '@weft/contracts/rest';
import { UnreachableError } from '../platform/cli-error.js';
import { answerOf } from './refusal.js';

/** Paths whose answer is a list: below a tenant, and of the tenants that whoever asks may enter. */
export type ListPath =
  | '/api/v1/tenants'
  | {
      [Path in TenantPath]: Path extends `/api/v1/tenants/{tenantId}/${string}{${string}`
        ? never
        : [ItemOf<Path>] extends [never]
          ? never
          : Path;
    }[TenantPath];

type TenantPath = keyof paths & `/api/v1/tenants/{tenantId}/${string}`;

/** What such a path answers. */
export type AnswerOf<Path extends keyof paths> = paths[Path]['get'] extends {
  responses: { 200: { content: { 'application/json': infer Answer } } };
}
  ? Answer
  : never;

/** What such a list is of. */
export type ItemOf<Path extends keyof paths> = AnswerOf<Path> extends { items: (infer Item)[] } ? Item : never;

interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the page that follows begins; null or absent: this was the last one. */
  readonly next?: string | number | null;
}

/**
 * Reads a list, page by page as long as an answer says where the next begins. `tenantId`: undefined for a list that is not below one.
 * Throws Refusal, UnreachableError.
 */
export async function* readPages<Path extends ListPath>(
  client: WeftClient,
  tenantId: string | undefined,
  path: Path,
  query: Readonly<Record<string, string | number>> = {},
): AsyncGenerator<AnswerOf<Path> & Page<ItemOf<Path>>> {
  // The compiler cannot follow a path that it does not know; AnswerOf says what comes of it.
  const get = client.GET as unknown as (path: Path, init: object) => Promise<{ data?: unknown; response: Response }>;
  const cursor = NEWEST_FIRST.has(path) ? 'before' : 'after';
  let begins: string | number | undefined;
  for (let pages = 0; pages < MAXIMUM_PAGES; pages += 1) {
    const params = { path: { tenantId }, query: begins === undefined ? query : { ...query, [cursor]: begins } };
    const page = (await answerOf(get(path, { params }))) as AnswerOf<Path> & Page<ItemOf<Path>>;
    yield page;
    if (page.next === undefined || page.next === null) return;
    begins = page.next;
  }
  throw new UnreachableError('answer_too_large', `${path} has more than ${MAXIMUM_PAGES} pages`, 'ask for less of it');
}

/** All of a list. Throws Refusal, UnreachableError. */
export async function readAll<Path extends ListPath>(
  client: WeftClient,
  tenantId: string | undefined,
  path: Path,
  query: Readonly<Record<string, string | number>> = {},
): Promise<ItemOf<Path>[]> {
  const all: ItemOf<Path>[] = [];
  for await (const { items } of readPages(client, tenantId, path, query)) all.push(...items);
  return all;
}

/** What counts its entries asks for those before one; of other lists a page says what the next is asked for by. */
const NEWEST_FIRST: ReadonlySet<ListPath> = new Set(
  (['audit-entries', 'events', 'revisions'] as const).map((list) => `/api/v1/tenants/{tenantId}/${list}` as const),
);

/** No list of a tenant comes near; a cursor that goes in a circle ends here. */
const MAXIMUM_PAGES = 100_000;
