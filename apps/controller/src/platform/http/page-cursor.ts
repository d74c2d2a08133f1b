import { z } from 'zod';
import type { PageRequest, SortType } from '../database/page-request.js';
import { Prefix, Timestamp } from './schemas.js';

/** Where a page ends. A cursor names the place and not the entry: that may be gone when the next page is asked for. */
export function encodeCursor(keys: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(keys.map(String))).toString('base64url');
}

/** Undefined: it is none of a list that is sorted by columns of these types. Pure. */
export function decodeCursor(text: string, types: readonly SortType[]): PageRequest['after'] {
  const values = Keys.safeParse(Buffer.from(text, 'base64url').toString()).data;
  if (values?.length !== types.length) return undefined;
  const keys = types.map((type, index) => ({ type, value: values[index] ?? '' }));
  return keys.every(({ type, value }) => VALUES[type].safeParse(value).success) ? keys : undefined;
}

const Keys = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      context.addIssue({ code: 'custom', message: 'no JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.array(z.string()));

/** What Postgres takes for a value of the type. */
const VALUES: Readonly<Record<SortType, z.ZodType<string>>> = {
  // It has no text with that character.
  text: z.string().refine((text) => !text.includes('\0')),
  uuid: z.uuid(),
  cidr: Prefix,
  timestamptz: Timestamp,
  integer: z.string().regex(/^\d{1,9}$/),
};
