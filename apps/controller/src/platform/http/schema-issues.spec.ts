import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { problemEntries } from './schema-issues.js';

function entries(schema: z.ZodType, input: unknown) {
  return problemEntries(schema.safeParse(input).error?.issues ?? [], input);
}

describe('what is wrong with a value', () => {
  it('is that it is missing, unless a rule of its own says why it is needed', () => {
    const pair = z.object({ a: z.string(), b: z.string().optional() }).superRefine(({ b }, context) => {
      if (b !== undefined) return;
      const params = { rule: 'required', fix: 'Give b with this a.' };
      context.addIssue({ code: 'custom', path: ['b'], message: 'This a needs a b', params });
    });
    expect(entries(pair, {})).toEqual([
      { pointer: '/a', rule: 'required', detail: 'The value is missing', fix: 'Give a value.' },
    ]);
    expect(entries(pair, { a: '' })).toEqual([
      { pointer: '/b', rule: 'required', detail: 'This a needs a b', fix: 'Give b with this a.' },
    ]);
  });
});
