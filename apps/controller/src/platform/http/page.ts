import { z } from 'zod';
import type { PageRequest, SortType } from '../database/page-request.js';
import { decodeCursor, encodeCursor } from './page-cursor.js';

const DEFAULT_LIMIT = 100;
const MAXIMUM_LIMIT = 1000;
/** The longest names, in characters of three octets, and identifiers. */
const MAXIMUM_CURSOR = 4000;

/** Behind the entry with this name and identifier. */
const EXAMPLES = ['WyJiZXJsaW4iLCI4ZTAzOTc4ZS00MGQ1LTQzZTgtYmM5My02ODk0YTU3ZjkzMjQiXQ'];

const Next = z
  .string()
  .nullable()
  .meta({ description: '`after` of the page that follows; null: this is the last.', examples: EXAMPLES });

/** What a list answers with: some of its entries, and where the others begin. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** Of the entries of one list, each with what it is sorted by. */
interface Sorted<Item> {
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => readonly (string | number)[];
}

/** The query of a list that is sorted by columns of these types. */
export function pageQuery(...types: readonly SortType[]) {
  return z.strictObject({
    after: z
      .string()
      .max(MAXIMUM_CURSOR)
      .regex(/^[\w-]+$/, 'is not as it was given')
      .transform((text, context) => {
        const keys = decodeCursor(text, types);
        if (keys !== undefined) return keys;
        const params = { rule: 'cursor', fix: 'Give `next` of the page before, of this list, as it was.' };
        context.addIssue({ code: 'custom', message: 'No page of this list begins there', params });
        return z.NEVER;
      })
      .optional()
      .meta({ description: '`next` of the page before; without it the list begins.', examples: EXAMPLES }),
    limit: z.coerce.number().int().min(1).max(MAXIMUM_LIMIT).default(DEFAULT_LIMIT).meta({
      description: 'How many entries at most.',
    }),
  });
}

/** Lists by name: of two entries with the same one the identifier says which is first. */
export const PageByName = pageQuery('text', 'uuid');
/** Lists by time. */
export const PageByTime = pageQuery('timestamptz', 'uuid');

/** The answer of a list. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: Next });
}

/** All of a list in one answer. */
export const wholePage = <Item>(items: Item[]): Page<Item> => ({ items, next: null });

/** The page that was asked for. `items`: one more than that is a sign that there is another. */
export function pageOf<Item>(request: Pick<PageRequest, 'limit'>, { items, keyOf }: Sorted<Item>): Page<Item> {
  const shown = items.slice(0, request.limit);
  const last = shown.at(-1);
  const more = items.length > request.limit && last !== undefined;
  return { items: shown, next: more ? encodeCursor(keyOf(last)) : null };
}

/** Of what has a name and an identifier. */
export function pageByName<Item extends { readonly name: string; readonly id: string }>(
  request: PageRequest,
  items: readonly Item[],
): Page<Item> {
  return pageOf(request, { items, keyOf: ({ name, id }) => [name, id] });
}
