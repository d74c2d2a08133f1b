import type { Revision } from '../../api/index.js';
import { plural } from '../../lib/format-quantity.js';

/** What the address of the page says: which revision is shown, and below which one the list begins. */
export interface RevisionSearch {
  readonly number?: number;
  readonly before?: number;
}

/** What the address of the page may say; anything else in it is left out. */
export function revisionSearch({ number, before }: Readonly<Record<string, unknown>>): RevisionSearch {
  return { ...(isNumber(number) && { number }), ...(isNumber(before) && { before }) };
}

/** How many revisions are listed, of how many. */
export function pageText(listed: readonly Pick<Revision, 'number'>[], newest: number): string {
  const [first, last] = [listed[0]?.number, listed.at(-1)?.number];
  const all = plural(newest, 'revision');
  if (first === undefined || last === undefined) return `None of ${all}`;
  if (first !== newest) return `Revisions ${first} to ${last} of ${newest}`;
  return last === 1 ? all : `The newest ${listed.length} of ${all}`;
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
